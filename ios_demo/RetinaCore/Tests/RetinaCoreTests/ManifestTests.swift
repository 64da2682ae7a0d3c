import Foundation
import RetinaCore
import XCTest

final class ManifestTests: XCTestCase {
    func testManifestsAreReadOrRefusedAsPythonDoes() throws {
        let manifests: [GoldenManifest] = try Goldens.index().manifests
        XCTAssertFalse(manifests.isEmpty)
        for golden in manifests {
            let json: Data = try Goldens.data("manifests/\(golden.file)")
            do {
                let found: Manifest = try Manifest(json, target: golden.target)
                let expected: GoldenManifest.Expected = try XCTUnwrap(
                    golden.expected, "\(golden.file): should be refused")
                check(found, is: expected, golden.file)
            } catch let problem as ManifestProblem {
                XCTAssertEqual(problem.code.rawValue, golden.problem?.code, golden.file)
                XCTAssertEqual(problem.entry, golden.problem?.entry, golden.file)
            }
        }
    }

    private func check(_ found: Manifest, is expected: GoldenManifest.Expected, _ file: String) {
        XCTAssertEqual(found.target, expected.target, file)
        XCTAssertEqual(found.mobileseg, expected.mobileseg, file)
        XCTAssertEqual(found.precision, expected.precision, file)
        XCTAssertEqual(found.variant, expected.variant, file)
        XCTAssertEqual(found.task, expected.task, file)
        XCTAssertEqual(found.artifact, expected.artifact, file)
        XCTAssertEqual(found.name, expected.name, file)
        XCTAssertEqual(found.frame, Goldens.size(expected.frame_hw), file)
        XCTAssertEqual(found.side, expected.side, file)
        XCTAssertEqual(found.quality, expected.quality?.spec, file)
        XCTAssertEqual(found.exporter, expected.exporter, file)
        XCTAssertEqual(found.artifactFile?.sha256, expected.sha256, file)
        XCTAssertEqual(found.artifactFile?.bytes, expected.bytes, file)
        XCTAssertEqual(found.lesions.count, expected.lesions.count, file)
        for (lesion, wanted) in zip(found.lesions, expected.lesions) {
            XCTAssertEqual(lesion.code, wanted.code, file)
            XCTAssertEqual(lesion.names, wanted.names, file)
            XCTAssertEqual(lesion.calibration?.a, wanted.calibration?.a, file)
            XCTAssertEqual(lesion.calibration?.b, wanted.calibration?.b, file)
            XCTAssertEqual(lesion.threshold, wanted.threshold, file)
            let colour: Colour = lesion.colour
            let levels: [Int] = [Int(colour.red), Int(colour.green), Int(colour.blue)]
            XCTAssertEqual(levels, wanted.colour, file)
        }
    }

    func testArtifactSumsArePythons() throws {
        let sums: [GoldenSum] = try Goldens.index().artifact_sums
        XCTAssertFalse(sums.isEmpty)
        for golden in sums {
            let files: [String: FileSum] = golden.files.mapValues {
                (listed: GoldenSum.Listed) -> FileSum in
                FileSum(sha256: listed.sha256, bytes: listed.bytes)
            }
            let found: String = artifactSum(of: golden.artifact, files: files, sha256: sha256)
            XCTAssertEqual(found, golden.sha256)
        }
    }

    func testConstantsArePythons() throws {
        let constants: GoldenConstants = try Goldens.index().constants
        let codes: [String] = constants.lesions.map { (kind: GoldenConstants.Kind) -> String in
            kind.code
        }
        XCTAssertEqual(Constants.lesionCodes, codes)
        XCTAssertEqual(Constants.opacity, constants.opacity)
        XCTAssertEqual(Constants.schema, constants.schema)
        XCTAssertEqual(Constants.oldestSchema, constants.oldest_schema)
        XCTAssertEqual(Constants.mostMegapixels, constants.most_megapixels)
        XCTAssertEqual(Constants.mostFileBytes, constants.most_file_bytes)
        let flags: [Flag] = Flag.allCases.filter { (flag: Flag) -> Bool in flag != .poor }
        let byValues: [Flag] = flags.filter { (flag: Flag) -> Bool in flag.isByValues }
        XCTAssertEqual(flags.map(\.rawValue), constants.flags)
        XCTAssertEqual(byValues.map(\.rawValue), constants.flags_by_values)
        XCTAssertEqual(try Goldens.index().format, 1)
    }
}
