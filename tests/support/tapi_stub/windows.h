// As much of windows.h as docs/how-to/without-python.md needs, for a machine without Windows.
#pragma once
#include <cstdint>

typedef std::uint32_t DWORD;
typedef std::uintptr_t DWORD_PTR;
typedef std::int32_t LONG;
typedef int BOOL;
typedef void* HANDLE;
typedef void* HINSTANCE;
#define CALLBACK
#define FALSE 0
#define INFINITE 0xFFFFFFFF
#define WAIT_OBJECT_0 0

DWORD WaitForMultipleObjects(DWORD count, const HANDLE* handles, BOOL all, DWORD milliseconds);
