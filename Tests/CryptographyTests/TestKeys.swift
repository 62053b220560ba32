/// Keys made once with `openssl genpkey`, `openssl pkey`, `openssl ec` and `openssl pkcs8` for these tests alone.
enum TestKeys {
    /// A P-256 key, PKCS #8.
    static let p256 = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaHUO2uBRvVC9KeLf
        VmyF2Ws90jcXSS393LyIiZdoGOKhRANCAAT4fbKOoFB1SptJEYzFNXZJH+b4MZ/S
        iVlxdPUV0/UN0hpQAcevzT4ih/twPj/MGwMpq32i0Ivs4fm+C5DvCE0S
        -----END PRIVATE KEY-----

        """

    /// The same key in the older form.
    static let p256Traditional = """
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEIGh1DtrgUb1QvSni31ZshdlrPdI3F0kt/dy8iImXaBjioAoGCCqGSM49
        AwEHoUQDQgAE+H2yjqBQdUqbSRGMxTV2SR/m+DGf0olZcXT1FdP1DdIaUAHHr80+
        Iof7cD4/zBsDKat9otCL7OH5vguQ7whNEg==
        -----END EC PRIVATE KEY-----

        """

    /// The same key's public half.
    static let p256Public = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+H2yjqBQdUqbSRGMxTV2SR/m+DGf
        0olZcXT1FdP1DdIaUAHHr80+Iof7cD4/zBsDKat9otCL7OH5vguQ7whNEg==
        -----END PUBLIC KEY-----

        """

    /// The same key under a passphrase.
    static let p256Encrypted = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAis63e8Rn6XoQICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEKBi/TE/ku0/yDP7xA4dpngEgZAV
        YMXxHebvYaoJyvwSuZMbICNEixyvWmeUQR5Jt+D7TX8It+5Y5EAqgcIMV+m6X41A
        RJjpfjp7iJsban86jgHXSHctl0pDVBZbOOSiBMMFMixm9fO5+KqEzQ/SKywuS9uy
        g9wrrJa+Co8ZIlt85xGluF8NefM6sFymSUwu/vL3FmYNMbRU0DIZNXRTs1TcsRk=
        -----END ENCRYPTED PRIVATE KEY-----

        """

    /// The same public key with the curve spelled out instead of named.
    static let p256Explicit = """
        -----BEGIN PUBLIC KEY-----
        MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA
        AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////
        ///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd
        NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5
        RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA
        //////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABPh9so6gUHVKm0kRjMU1dkkf
        5vgxn9KJWXF09RXT9Q3SGlABx6/NPiKH+3A+P8wbAymrfaLQi+zh+b4LkO8ITRI=
        -----END PUBLIC KEY-----

        """

    /// A key on another curve.
    static let p384 = """
        -----BEGIN PRIVATE KEY-----
        MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCfZ57R7+aMafP+d1NX
        iLzp5Tl9iPSSA70g5yWH2632CnFkamEWT/K876SclwAz8/ChZANiAAQMsBuUnEYO
        xJC2p+TXl98E1hqhFm/LZybxutOiNRvtQG45JowKtkrpFElNopJjfaVGuKsSzyVE
        0miHLeZ1CULS4QOt0BkP1WJBYseBwmhSv43PWHQ4ICc2cpjNgzhFxVw=
        -----END PRIVATE KEY-----

        """

    /// Its public half.
    static let p384Public = """
        -----BEGIN PUBLIC KEY-----
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEDLAblJxGDsSQtqfk15ffBNYaoRZvy2cm
        8brTojUb7UBuOSaMCrZK6RRJTaKSY32lRrirEs8lRNJohy3mdQlC0uEDrdAZD9Vi
        QWLHgcJoUr+Nz1h0OCAnNnKYzYM4RcVc
        -----END PUBLIC KEY-----

        """

    /// A key of another algorithm.
    static let ed25519 = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIEuaF31u6yb2QAwfuf8J/SJkEfeETuWwAB/RMhBS6CXA
        -----END PRIVATE KEY-----

        """

    /// A key that agrees on secrets and signs nothing; its form differs from the one above in a single byte.
    static let x25519 = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VuBCIEIHixMeZvxUor6FFhjswmgzXxaClBPKKHaaJ5EExxjEFL
        -----END PRIVATE KEY-----

        """

    /// The public half of the Ed25519 key.
    static let ed25519Public = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEAGJX68V2MMGuadeK6qP4a08FNGV06tNBQNU20TvzUI1E=
        -----END PUBLIC KEY-----

        """

    /// `openssl pkey -pubin -outform DER | sha256sum` of the P-256 key.
    static let p256Fingerprint = "d45b6b0bfd6252d6863f47f7f415e2803d2c79cf4c2e6d40c6ea71030d7a244b"

    /// `sha256sum` of the P-256 key's public PEM file.
    static let p256PEMDigest = "14773dd84b02fc525857c3b42ddaf85bb93b531820dde67a3fe2bdf3be10b2d0"
}
