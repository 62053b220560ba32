import ArgumentParser
import Testing

@testable import edgectl

/// Which controller is called, and with which key.
@Suite struct ServerOptionsTests {
    private let profiles = Profiles(
        current: "home",
        profiles: [
            "home": Profile(server: "https://home", key: "home-key", caFile: "home.pem"),
            "work": Profile(server: "https://office", key: "office-key"),
        ])

    private func resolved(
        _ arguments: [String] = [], _ environment: [String: String] = [:], profiles: Profiles? = nil
    ) throws -> Profile {
        try ServerOptions.parse(arguments).resolved(environment: environment, profiles: profiles ?? self.profiles)
    }

    @Test("without a word the current profile is used")
    func current() throws {
        #expect(try resolved() == Profile(server: "https://home", key: "home-key", caFile: "home.pem"))
    }

    @Test("the environment wins over the current profile, whose key stays at home")
    func environment() throws {
        #expect(try resolved([], ["EDGECTL_SERVER": "https://env"]) == Profile(server: "https://env"))
        #expect(
            try resolved([], ["EDGECTL_SERVER": "https://env", "EDGECTL_KEY": "env-key"])
                == Profile(server: "https://env", key: "env-key"))
        #expect(try resolved([], ["EDGECTL_KEY": "env-key"]).key == "env-key")
    }

    @Test("a profile that is asked for wins over the environment, its certificate authority too")
    func asked() throws {
        let environment = [
            "EDGECTL_SERVER": "https://env", "EDGECTL_KEY": "env-key", "EDGECTL_CA_FILE": "env.pem",
        ]
        #expect(
            try resolved(["--profile", "work"], environment)
                == Profile(server: "https://office", key: "office-key", caFile: "env.pem"))
        #expect(
            try resolved(["--profile", "home"], environment)
                == Profile(server: "https://home", key: "home-key", caFile: "home.pem"))
        #expect(
            try resolved([], environment.merging(["EDGECTL_PROFILE": "work"]) { _, new in new }).server
                == "https://office")
    }

    @Test("a flag wins over everything")
    func flags() throws {
        let all = ["--server", "https://flag", "--api-key", "flag-key", "--ca-file", "flag.pem", "--profile", "work"]
        #expect(
            try resolved(all, ["EDGECTL_SERVER": "https://env", "EDGECTL_KEY": "env-key"])
                == Profile(server: "https://flag", key: "flag-key", caFile: "flag.pem"))
        #expect(try resolved(["--api-key", "flag-key"]).key == "flag-key")
    }

    @Test(
        "a profile's key goes to the profile's server only",
        arguments: [
            ["--server", "https://evil"], ["--server", "https://evil", "--profile", "work"],
            ["--server", "https://home.evil"], ["--server", "http://home"],
        ])
    func keyStaysHome(arguments: [String]) throws {
        #expect(try resolved(arguments).key == nil)
    }

    @Test("a flag that names the profile's own server gets the profile's key")
    func ownServer() throws {
        #expect(try resolved(["--server", "https://home"]).key == "home-key")
        #expect(try resolved(["--server", "https://office", "--profile", "work"]).key == "office-key")
    }

    @Test("a variable that is empty is none")
    func emptyVariables() throws {
        let empty = ["EDGECTL_SERVER": "", "EDGECTL_KEY": "", "EDGECTL_PROFILE": "", "EDGECTL_CA_FILE": ""]
        #expect(try resolved([], empty) == Profile(server: "https://home", key: "home-key", caFile: "home.pem"))
    }

    @Test("without any controller it is said how to name one")
    func nothing() throws {
        let failure = try #require(#expect(throws: CommandFailure.self) { try resolved(profiles: Profiles()) })
        #expect(failure.status == .invalid)
        #expect(failure.description.contains("give --server URL, set EDGECTL_SERVER"))
    }

    @Test("an unknown profile is refused with those that are known")
    func unknownProfile() throws {
        let failure = try #require(#expect(throws: CommandFailure.self) { try resolved(["--profile", "x"]) })
        #expect(failure.description.contains("there is no profile \"x\" (known: home, work)"))
    }

    @Test(
        "the profile file is where the environment says",
        arguments: [
            (["EDGECTL_CONFIG": "/a.yaml", "HOME": "/h"], "/a.yaml"),
            (["HOME": "/h"], "/h/.config/edgectl/config.yaml"),
            (["XDG_CONFIG_HOME": "/x", "HOME": "/h"], "/x/edgectl/config.yaml"), ([:], "./edgectl/config.yaml"),
            (["EDGECTL_CONFIG": "", "XDG_CONFIG_HOME": "", "HOME": "/h"], "/h/.config/edgectl/config.yaml"),
        ] as [([String: String], String)])
    func located(environment: [String: String], path: String) {
        #expect(ProfileFile.located(environment).path == path)
    }
}
