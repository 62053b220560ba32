/// A token and its key, made with the `cryptography` package (PyPI).
enum RSAVector {
    static let set = #"""
        {"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"rsa-1","n":"m7t-dZaWC4IeUTfc9va1btv_oVOd8\#
        Dq0uTQgPzXwsmDU2zqSn4WfkLuoY0ckzKJ-7RC5Mm5YngTwNlLht0mE-aESv5uWtgtHOnXu5N0BLddhQnyksf_vHZpFzhCAT\#
        p8qc52oRj8idXdqNUk7ijSm-8W23ZNtFJeq30pjKwrDbGg9S5bnG_BTAxbblhF-1J448qJF2J8c5l6dWcnG1DPP-Ruvd8So2\#
        6_uGvmWRrNs9H9Q5X_iZzFSl5QD6aq8jm5Lp0EWRitDcrLGTRtCP4HtqXILhm6CQcBxnfu-YzyZ-H-ctSthPiWYkEYz_T8yY\#
        61nqbZBafWaYSw6eN0ujEvCPQ","e":"AQAB"}]}
        """#
    static let token = #"""
        eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInJzYS0xIiwgInR5cCI6ICJKV1QiLCAieDV0IjogIkFBQUEifQ.eyJpc3MiOiAia\#
        HR0cHM6Ly9pZC5leGFtcGxlIiwgInN1YiI6ICJzLTEiLCAiYXVkIjogWyJlZGdlIiwgImFjY291bnQiXSwgImlhdCI6IDE4M\#
        DAwMDAwMDAsICJleHAiOiAxODAwMDAzNjAwfQ.gkUj1IyeQMZo-CaXQvklBnFfbWBJvHB5M7jVurEIzZywIwteDQNiJBVa2O\#
        IwgrDudnBhTaQbJ-QVtAQL7CvkWcqimjxWXwTBG8_3G_8PEsTJgYfYDMnX2yR74-mSs2vlnM7ra0e9Ox6pFTCJDc4ZXxlryG\#
        lvPuD-I1mJ9kOD8fPLiEnHiFtW_3HEYPYZOxXLXyFLjDW8xqvdybwLUQu6mT6ktMrIBRgRPF0A1V8h2KwTxKJxnmp87qZaib\#
        TfHBQ7mOpz63ISuYTRkFw-XYfU0r5bgaUY2AvnGl3sli6ZVI8R6XPSCDzZeoZKuiynSp3v1skzFAfGrrb4-okXpv67wg
        """#
}
