import Fleet
import Orchestration
import WebMessages
import WireFormat

/// Artifacts' bytes: resumable upload, and download by range.
enum ArtifactRoutes {
    static let all: [Route] = [
        Route("GET", file, .deviceOrPerson(.read, within: .artifact), .blocking(download)),
        Route(
            "POST", "/v1/artifacts/{digest}/upload", .person(.publish, within: .free), body: .declaration,
            .blocking(begin)),
        Route("GET", "/v1/artifacts/{digest}/upload", .person(.publish, within: .free), .blocking(status)),
        Route(
            "PATCH", "/v1/artifacts/{digest}/upload", .person(.publish, within: .free), body: .piece,
            .blocking(append)),
    ]

    /// The bytes of a file: what no device in quarantine gets.
    static let file = "/v1/artifacts/{digest}"

    private static func begin(_ call: Call) throws -> WebResponse {
        try uploaded(
            try call.operations.beginUpload(try call.digest("digest"), try call.body(UploadRequest.self)))
    }

    private static func status(_ call: Call) throws -> WebResponse {
        try uploaded(try call.operations.uploadStatus(try call.digest("digest")))
    }

    private static func append(_ call: Call) throws -> WebResponse {
        guard let offset = call.request.header("upload-offset").flatMap({ UInt64($0) }) else {
            throw Problem.badHeader(
                "Upload-Offset", "send the offset of the piece in bytes, as the upload's status says")
        }
        return try uploaded(
            try call.operations.appendUpload(
                try call.digest("digest"), offsetBytes: offset, bytes: call.request.body))
    }

    private static func uploaded(_ status: UploadStatus) throws -> WebResponse {
        try .json(
            status,
            headers: [
                (name: "Upload-Offset", value: "\(status.offsetBytes)"), (name: "Cache-Control", value: "no-store"),
            ])
    }

    private static func download(_ call: Call) throws -> WebResponse {
        let digest = try call.digest("digest")
        let file = try call.operations.artifact(digest)
        let tag = EntityTag(digest)
        if tag.isKnown(to: call.request) { return tag.notModified }
        let size = file.sizeBytes
        var headers = [
            (name: "Content-Type", value: "application/octet-stream"), (name: "Accept-Ranges", value: "bytes"),
            tag.header, RegistryRoutes.immutable,
        ]
        switch ByteRange(call.request, sizeBytes: size, tag: tag) {
        case .whole:
            return WebResponse(status: 200, headers: headers, body: .file(path: file.path, offset: 0, length: size))
        case .part(let bytes):
            headers.append(
                (name: "Content-Range", value: "bytes \(bytes.lowerBound)-\(bytes.upperBound)/\(size)"))
            let length = bytes.upperBound - bytes.lowerBound + 1
            return WebResponse(
                status: 206, headers: headers, body: .file(path: file.path, offset: bytes.lowerBound, length: length))
        case .unsatisfiable:
            var refusal = WebResponse.problem(.rangeBehindEnd(sizeBytes: size))
            refusal.headers.append((name: "Content-Range", value: "bytes */\(size)"))
            return refusal
        }
    }
}

extension Problem {
    fileprivate static func rangeBehindEnd(sizeBytes: UInt64) -> Problem {
        Problem(
            code: "range_not_satisfiable", title: "Range not satisfiable", status: 416,
            detail: "the range starts behind the end; the artifact has \(sizeBytes) bytes")
    }
}
