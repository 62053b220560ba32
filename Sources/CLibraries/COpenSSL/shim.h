#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

/* EVP_EC_gen is a macro over a variadic function. */
static inline EVP_PKEY *copenssl_generate_p256(void) {
    return EVP_EC_gen("P-256");
}

/* EVP_PKEY_Q_keygen is variadic. */
static inline EVP_PKEY *copenssl_generate_ed25519(void) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

/* BIO_get_mem_data is a macro. */
static inline long copenssl_memory_contents(BIO *bio, char **contents) {
    return BIO_get_mem_data(bio, contents);
}

/* The default callback would ask for a passphrase on the terminal; an encrypted key is refused instead. */
static inline int copenssl_no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

/* X509V3_CTX is a struct to be filled by functions and macros that belong together. */
static inline int copenssl_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (extension == NULL) return 0;
    int added = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

/* The stack's functions are macros. Copies the alternative name at an index and says its type (GEN_DNS, GEN_URI,
   GEN_IPADD, ...); its length, -1 behind the last, 0 for one that is longer than the buffer or of another type. */
static inline int copenssl_alternative_name(
    const X509 *certificate, int index, int *type, unsigned char *bytes, int capacity) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int length = -1;
    if (index < sk_GENERAL_NAME_num(names)) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
        *type = name->type;
        length = 0;
        if (name->type == GEN_DNS || name->type == GEN_URI || name->type == GEN_IPADD) {
            /* The three are ASN1_STRINGs in one union. */
            const ASN1_STRING *text = name->d.ia5;
            if (ASN1_STRING_length(text) <= capacity) {
                length = ASN1_STRING_length(text);
                memcpy(bytes, ASN1_STRING_get0_data(text), (size_t)length);
            }
        }
    }
    GENERAL_NAMES_free(names);
    return length;
}

/* PEM readers that never ask for a passphrase. */
static inline X509 *copenssl_read_certificate(BIO *bio) {
    return PEM_read_bio_X509(bio, NULL, copenssl_no_passphrase, NULL);
}

static inline X509_REQ *copenssl_read_request(BIO *bio) {
    return PEM_read_bio_X509_REQ(bio, NULL, copenssl_no_passphrase, NULL);
}

/* The stack of a chain is built by macros: whether `certificate` was issued by `authority`, for this purpose, and
   holds at that time; 1 for yes, otherwise OpenSSL's reason in `reason`. */
static inline int copenssl_verify(X509 *certificate, X509 *authority, int purpose, time_t at, int *reason) {
    int holds = 0;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (store != NULL && context != NULL && X509_STORE_add_cert(store, authority) == 1
        && X509_STORE_CTX_init(context, store, certificate, NULL) == 1) {
        X509_STORE_CTX_set_purpose(context, purpose);
        X509_STORE_CTX_set_time(context, 0, at);
        holds = X509_verify_cert(context) == 1;
        *reason = X509_STORE_CTX_get_error(context);
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return holds;
}

static inline EVP_PKEY *copenssl_read_private_key(BIO *bio) {
    return PEM_read_bio_PrivateKey(bio, NULL, copenssl_no_passphrase, NULL);
}

#endif
