import Fleet
public import WireFormat

/// Publishers' key sets: kept in order and relayed. Whether they count is for the devices to decide, by the recovery
/// key that they pinned.
extension FleetController {
    /// See ``FleetOperations``.
    public func publish(_ publication: KeySetPublication, by caller: Caller) throws -> KeySetResource {
        try transact { draft in
            if let known = draft.state.keySets.first(where: { $0.envelope == publication.envelope }) { return known }
            let accepted: AcceptedKeySet
            do {
                accepted = try surroundings.cryptography.followKeySets(
                    draft.state.keySets.map(\.envelope) + [publication.envelope])
            } catch let refusal as VersionRefusal {
                throw Problem(code: refusal.code, title: "Key set refused", status: 422, detail: refusal.sentence)
            }
            let set = KeySetResource(
                number: accepted.number, envelope: publication.envelope,
                keys: accepted.keys.compactMap(\.digest), revoked: accepted.revoked.compactMap(\.digest),
                recoveryKey: accepted.recoveryKey, publishedAt: draft.now, publishedBy: caller.auditName)
            draft.state.keySets.append(set)
            draft.add(.keySet(set))
            for key in accepted.keys + accepted.revoked {
                guard let fingerprint = key.fingerprint, draft.state.publisherKeys[fingerprint] == nil else { continue }
                draft.state.publisherKeys[fingerprint] = key
                draft.add(.publisherKey(key))
            }
            draft.audit(
                caller.auditName, "keyset.publish", "keyset/\(set.number)",
                [
                    "keys": set.keys.map(\.hex).joined(separator: ","),
                    "revoked": set.revoked.map(\.hex).joined(separator: ","), "recovery": set.recoveryKey.hex,
                ])
            return set
        }
    }

    /// See ``FleetOperations``.
    public func keySets(after: UInt64, limit: Int) -> Page<KeySetResource> {
        let rest = state.keySets.filter { $0.number > after }
        let page = Array(rest.prefix(limit))
        return Page(items: page, next: rest.count > limit ? page.last.map { "\($0.number)" } : nil)
    }
}

extension FleetState {
    /// Whether the newest key set says that the key's signatures count no more.
    func isRevoked(_ fingerprint: String?) -> Bool {
        guard let newest = keySets.last else { return false }
        return newest.revoked.contains { $0.hex == fingerprint }
    }

    /// The keys that versions are checked with.
    var knownPublisherKeys: KnownPublisherKeys {
        let sorted = publisherKeys.values.sorted { $0.pem < $1.pem }
        return KnownPublisherKeys(
            trusted: sorted.filter { !isRevoked($0.fingerprint) }.map(\.pem),
            revoked: sorted.filter { isRevoked($0.fingerprint) }.map(\.pem))
    }
}

extension FleetDraft {
    /// Gives a version another signature over the same content: by a key that counts, after the first was revoked.
    mutating func resign(
        _ version: VersionResource, _ accepted: AcceptedVersion, _ bundle: String, by caller: Caller
    ) -> VersionResource {
        var signed = version
        signed.bundle = bundle
        signed.publisher = accepted.publisher
        state.versions[signed.digest] = signed
        add(.versionUpdated(signed))
        audit(
            caller.auditName, "version.resign", "version/\(signed.model)/\(signed.version)",
            ["digest": signed.digest.hex, "publisher": signed.publisher ?? "unknown"])
        return signed
    }
}

extension PublisherKey {
    fileprivate var digest: Digest? { fingerprint.flatMap { Digest(hex: $0) } }
}
