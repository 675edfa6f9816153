// As much of tapi.h as docs/how-to/without-python.md needs; names and numbers as in docs/reference/tapi.md.
#pragma once
#include <windows.h>

#define LINE_CLOSE 3L
#define LINE_LINEDEVSTATE 8L
#define PHONE_CLOSE 15L
#define PHONE_STATE 18L
#define LINE_CREATE 19L
#define PHONE_CREATE 20L
#define LINE_REMOVE 25L
#define PHONE_REMOVE 26L
#define LINEINITIALIZEEXOPTION_USEEVENT 2
#define PHONEINITIALIZEEXOPTION_USEEVENT 2

typedef void* HLINEAPP;
typedef void* HPHONEAPP;
typedef void (CALLBACK* LINECALLBACK)(DWORD, DWORD, DWORD_PTR, DWORD_PTR, DWORD_PTR, DWORD_PTR);
typedef LINECALLBACK PHONECALLBACK;

struct LINEMESSAGE {
    DWORD hDevice, dwMessageID;
    DWORD_PTR dwCallbackInstance, dwParam1, dwParam2, dwParam3;
};
typedef LINEMESSAGE PHONEMESSAGE;

struct LINEINITIALIZEEXPARAMS {
    DWORD dwTotalSize, dwNeededSize, dwUsedSize, dwOptions;
    union { HANDLE hEvent; HANDLE hCompletionPort; } Handles;
    DWORD dwCompletionKey;
};
typedef LINEINITIALIZEEXPARAMS PHONEINITIALIZEEXPARAMS;

LONG lineInitializeExA(HLINEAPP*, HINSTANCE, LINECALLBACK, const char*, DWORD*, DWORD*, LINEINITIALIZEEXPARAMS*);
LONG phoneInitializeExA(HPHONEAPP*, HINSTANCE, PHONECALLBACK, const char*, DWORD*, DWORD*, PHONEINITIALIZEEXPARAMS*);
LONG lineGetMessage(HLINEAPP, LINEMESSAGE*, DWORD);
LONG phoneGetMessage(HPHONEAPP, PHONEMESSAGE*, DWORD);
