#ifndef EDGEORCH_GNUTLS_SHIM_H
#define EDGEORCH_GNUTLS_SHIM_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/pkcs11.h>
#include <gnutls/x509.h>

/* GNUTLS_CURVE_TO_BITS is a macro with an argument. */
static inline int cgnutls_generate_p256(const char *url, const char *label, gnutls_datum_t *public_key) {
    return gnutls_pkcs11_privkey_generate3(
        url, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), label, NULL, GNUTLS_X509_FMT_PEM,
        public_key, 0, GNUTLS_PKCS11_OBJ_FLAG_LOGIN | GNUTLS_PKCS11_OBJ_FLAG_MARK_SENSITIVE);
}

/* gnutls_free is a variable that holds a function. */
static inline void cgnutls_free(void *memory) {
    gnutls_free(memory);
}

#endif
