/* A PKCS#11 module that is SoftHSM but for one fault, named by MISBEHAVIOUR. SOFTHSM names the real one.
   "has a keypad" is no fault: PINs are entered on keys of its own, which KEYPAD_PIN and KEYPAD_SO_PIN press; each entry is a line in KEYPAD_LOG. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CK_PTR *
#define CK_DECLARE_FUNCTION(returnType, name) returnType name
#define CK_DECLARE_FUNCTION_POINTER(returnType, name) returnType(*name)
#define CK_CALLBACK_FUNCTION(returnType, name) returnType(*name)
#define NULL_PTR 0
#include "pkcs11/pkcs11.h"

static CK_FUNCTION_LIST real, ours;
static const char *fault;

static CK_RV initialize(CK_VOID_PTR arguments) {
  CK_RV rv = real.C_Initialize(arguments);
  if (strcmp(fault, "hangs at start") == 0) for (;;) pause();
  if (strcmp(fault, "says that it is initialised") == 0) return rv == CKR_OK ? CKR_CRYPTOKI_ALREADY_INITIALIZED : rv;
  return rv;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR signature, CK_ULONG_PTR signatureLength) {
  if (strcmp(fault, "hangs") == 0) for (;;) pause();
  if (strcmp(fault, "crashes") == 0) abort();
  CK_RV rv = real.C_Sign(session, data, length, signature, signatureLength);
  if (strcmp(fault, "gives too long a signature") == 0) *signatureLength = 4000000000UL;
  if (strcmp(fault, "gives too short a signature") == 0) *signatureLength = 3;
  return rv;
}

static CK_RV getAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes, CK_ULONG count) {
  CK_RV rv = real.C_GetAttributeValue(session, object, attributes, count);
  if (strcmp(fault, "gives nonsense lengths") == 0 && attributes[0].pValue == NULL) for (CK_ULONG index = 0; index < count; index++) attributes[index].ulValueLen = 0x7fffffffffffUL;
  return rv;
}

static CK_RV getTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info) {
  CK_RV rv = real.C_GetTokenInfo(slot, info);
  if (strcmp(fault, "has one try left") == 0) info->flags |= CKF_USER_PIN_FINAL_TRY;
  if (strcmp(fault, "has a keypad") == 0) info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
  if (strcmp(fault, "is locked") == 0) info->flags |= CKF_USER_PIN_LOCKED;
  return rv;
}

/* Notes an entry. Whoever sends a PIN here has not understood what a protected authentication path is. */
static CK_BBOOL entered(const char *what, CK_ULONG sent) {
  FILE *log = fopen(getenv("KEYPAD_LOG"), "a");
  fprintf(log, "%s%s\n", what, sent == 0 ? "" : " with a PIN from outside");
  fclose(log);
  return sent == 0;
}

static CK_UTF8CHAR_PTR pressed(const char *name) { return (CK_UTF8CHAR_PTR)getenv(name); }
#define LENGTH(text) ((CK_ULONG)strlen((const char *)(text)))

static CK_BBOOL officer;

static CK_RV padLogin(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
  if (!entered(user == CKU_SO ? "SO PIN" : user == CKU_USER ? "PIN" : "PIN for one use", length)) return CKR_ARGUMENTS_BAD;
  CK_UTF8CHAR_PTR keys = pressed(user == CKU_SO ? "KEYPAD_SO_PIN" : "KEYPAD_PIN");
  officer = user == CKU_SO;
  return real.C_Login(session, user, keys, LENGTH(keys));
}

static CK_RV padLogout(CK_SESSION_HANDLE session) {
  officer = CK_FALSE;
  return real.C_Logout(session);
}

static CK_RV padInitPin(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
  if (!entered("new PIN", length)) return CKR_ARGUMENTS_BAD;
  return real.C_InitPIN(session, pressed("KEYPAD_PIN"), LENGTH(pressed("KEYPAD_PIN")));
}

static CK_RV padSetPin(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR old, CK_ULONG oldLength, CK_UTF8CHAR_PTR fresh, CK_ULONG freshLength) {
  if (!entered("PIN and new PIN", oldLength + freshLength)) return CKR_ARGUMENTS_BAD;
  CK_UTF8CHAR_PTR keys = pressed(officer ? "KEYPAD_SO_PIN" : "KEYPAD_PIN");
  return real.C_SetPIN(session, keys, LENGTH(keys), keys, LENGTH(keys));
}

static CK_RV padInitToken(CK_SLOT_ID slot, CK_UTF8CHAR_PTR pin, CK_ULONG length, CK_UTF8CHAR_PTR label) {
  if (!entered("SO PIN to set up", length)) return CKR_ARGUMENTS_BAD;
  return real.C_InitToken(slot, pressed("KEYPAD_SO_PIN"), LENGTH(pressed("KEYPAD_SO_PIN")), label);
}

static CK_RV getInfo(CK_INFO_PTR info) {
  if (strcmp(fault, "prints to standard output") == 0) { printf("vendor library, version 1\n"); fflush(stdout); }
  return real.C_GetInfo(info);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  fault = getenv("MISBEHAVIOUR");
  void *library = dlopen(getenv("SOFTHSM"), RTLD_NOW);
  CK_C_GetFunctionList get = library == NULL ? NULL : (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
  CK_FUNCTION_LIST_PTR found;
  if (get == NULL || fault == NULL || get(&found) != CKR_OK) return CKR_GENERAL_ERROR;
  real = ours = *found;
  ours.C_Initialize = initialize;
  ours.C_GetInfo = getInfo;
  ours.C_Sign = sign;
  ours.C_GetAttributeValue = getAttributeValue;
  ours.C_GetTokenInfo = getTokenInfo;
  if (strcmp(fault, "has a keypad") == 0) {
    ours.C_Login = padLogin;
    ours.C_Logout = padLogout;
    ours.C_InitPIN = padInitPin;
    ours.C_SetPIN = padSetPin;
    ours.C_InitToken = padInitToken;
  }
  *list = &ours;
  return CKR_OK;
}
