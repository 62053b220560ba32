/// How a runtime that runs is made to load what `{model_dir}` leads to now.
public enum ReloadMethod: Hashable, Sendable {
    /// Not at all: it is ended and started anew.
    case restart
    /// A POST to this path; its answer says that the version is loaded.
    case post(String)
    /// The model repository API of Triton and of runtimes like it: the model of this name is loaded after a start and
    /// for each version, and unloaded before the end.
    case repository(String)
    /// A signal to its process; its health, and its version where that is asked for, say when the version is loaded.
    case signal(Int32)
    /// A program that ends with 0 when the version is loaded; `{model_dir}` and `{port}` are filled in.
    case command([String])

    /// How long a signal has before the runtime's health is believed, seconds.
    static let signalSeconds = 1.0

    /// The path that loads a model.
    static func loadPath(_ name: String) -> String { "/v2/repository/models/\(name)/load" }

    /// The path that unloads a model.
    static func unloadPath(_ name: String) -> String { "/v2/repository/models/\(name)/unload" }

    /// The path that says whether a model can serve.
    public static func readyPath(_ name: String) -> String { "/v2/models/\(name)/ready" }
}
