import SwiftUI

@main
struct RetinaDemoApp: App {
    var body: some Scene {
        WindowGroup {
            ContentView()
        }
    }
}
