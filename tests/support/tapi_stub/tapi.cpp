// TAPI without a TSP: the messages stand in messages.txt, each as device, id and three parameters, in decimal.
#include <tapi.h>
#include <fstream>

static std::ifstream messages("messages.txt");
static LINEMESSAGE next;
static bool has_next = false;

static bool look() {
    if (!has_next) {
        next.dwCallbackInstance = 0;
        has_next = bool(messages >> next.hDevice >> next.dwMessageID >> next.dwParam1 >> next.dwParam2 >> next.dwParam3);
    }
    return has_next;
}

static bool is_of_a_phone() {
    const DWORD id = next.dwMessageID;
    return id == PHONE_CLOSE || id == PHONE_STATE || id == PHONE_CREATE || id == PHONE_REMOVE;
}

static LONG take(LINEMESSAGE* message, bool of_a_phone) {
    if (!look() || is_of_a_phone() != of_a_phone) return -1;
    *message = next;
    has_next = false;
    return 0;
}

DWORD WaitForMultipleObjects(DWORD count, const HANDLE*, BOOL, DWORD) { return look() ? is_of_a_phone() : count; }
LONG lineGetMessage(HLINEAPP, LINEMESSAGE* message, DWORD) { return take(message, false); }
LONG phoneGetMessage(HPHONEAPP, PHONEMESSAGE* message, DWORD) { return take(message, true); }

LONG lineInitializeExA(HLINEAPP*, HINSTANCE, LINECALLBACK, const char*, DWORD*, DWORD*, LINEINITIALIZEEXPARAMS* params) {
    return params->dwTotalSize == sizeof *params ? 0 : -1;
}

LONG phoneInitializeExA(HPHONEAPP*, HINSTANCE, PHONECALLBACK, const char*, DWORD*, DWORD*, PHONEINITIALIZEEXPARAMS* params) {
    return params->dwTotalSize == sizeof *params ? 0 : -1;
}
