import PhotosUI
import RetinaCore
import SwiftUI

/// The one screen. What a person chose is kept with the scene, so that it comes back as it was.
struct ContentView: View {
    @StateObject private var app: AppModel = AppModel()
    @SceneStorage("hidden") private var hidden: String = ""  // lesion codes, commas between
    @SceneStorage("opacity") private var opacity: Double = Double(Constants.opacity)
    @SceneStorage("units") private var units: ComputeUnits = .all
    @SceneStorage("hasPhoto") private var hasPhoto: Bool = false
    @State private var picked: PhotosPickerItem?
    @State private var isCameraShown: Bool = false
    @State private var isBenchmarkShown: Bool = false

    var body: some View {
        NavigationStack {
            ScrollView {
                content
                    .padding()
                    .frame(maxWidth: 720)
                    .frame(maxWidth: .infinity)
            }
            .navigationTitle(Texts.text(.appName))
            .navigationBarTitleDisplayMode(.inline)
        }
        .task { await start() }
        .onChange(of: picked) { item in
            Task { await look(at: item) }
        }
        .onChange(of: units) { chosen in
            Task { await app.load(chosen) }
        }
        .onChange(of: hidden) { _ in show() }
        .onChange(of: opacity) { _ in show() }
        .fullScreenCover(isPresented: $isCameraShown) {
            CameraPicker { data in
                isCameraShown = false
                Task { await look(at: data) }
            }
            .ignoresSafeArea()
        }
        .sheet(isPresented: $isBenchmarkShown) {
            BenchmarkView(app: app, units: units)
        }
    }

    private var content: some View {
        VStack(alignment: .leading, spacing: 20) {
            PhotoButtons(
                picked: $picked, isEnabled: app.modelState == .ready && !app.isWorking,
                takePhoto: takePhoto)
            MessageList(app: app) {
                Task { await app.load(units) }
            }
            PicturePanel(app: app)
            if let analysis: Analysis = app.analysis {
                if let quality: PictureQuality = analysis.quality {
                    Text(Texts.quality(quality))
                }
                if app.isTold {
                    LesionList(lesions: analysis.lesions, hidden: $hidden)
                    OpacitySlider(opacity: $opacity)
                } else {
                    Button(Texts.text(.showCounts), action: app.tell)
                }
            }
            ModelPanel(app: app, units: $units) {
                isBenchmarkShown = true
            }
            Footer()
        }
    }

    private func start() async {
        show()
        await app.load(units)
        if hasPhoto, app.analysis == nil, let data: Data = PhotoStore.kept() {
            await app.look(at: data, named: Texts.text(.photo))
        }
    }

    private func show() {
        app.show(hiding: HiddenLesions.codes(in: hidden), opacity: Int(opacity.rounded()))
    }

    private func takePhoto() {
        if CameraPicker.isUsable {
            isCameraShown = true
        } else {
            app.problem = Problem.message(of: Problem.noCamera)
        }
    }

    private func look(at item: PhotosPickerItem?) async {
        guard let item: PhotosPickerItem = item else { return }
        let data: Data? = try? await item.loadTransferable(type: Data.self)
        picked = nil  // so that the same photo can be chosen again
        if let read: Data = data {
            await look(at: read)
        } else {
            app.problem = Problem.message(
                of: Problem.photoUnreadable(name: Texts.text(.photo)))
        }
    }

    private func look(at data: Data?) async {
        guard let photo: Data = data else { return }
        if await app.look(at: photo, named: Texts.text(.photo)) {
            // Not kept: it is only not there after a restart, which is no reason for a message.
            hasPhoto = (try? PhotoStore.keep(photo)) != nil
        }
    }
}

/// Codes of the lesions that are switched off, as a scene can keep them.
enum HiddenLesions {
    static func codes(in text: String) -> Set<String> {
        Set(text.split(separator: ",").map(String.init))
    }

    static func text(of codes: Set<String>) -> String {
        codes.sorted().joined(separator: ",")
    }
}
