#ifndef EDGEORCH_GNUTLS_SHIM_H
#define EDGEORCH_GNUTLS_SHIM_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#endif
