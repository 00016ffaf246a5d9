// Reading rows of numbers that lie in open files behind headers with a checksum, on several threads.
#pragma once

#include "napi_setup.h"

namespace headstart {

// Arguments: descriptors (Int32Array [N]), offsets of the headers (Float64Array [N]), expected headers
// (Uint8Array [N x header bytes], the checksum's four bytes are not compared), bytes of a header, bytes of
// its part that the checksum covers from byte 8 on, bytes of a row, target (Uint8Array [N x row bytes], or
// undefined to compare checksums alone), threads. A promise of a Uint8Array [N]: 1 where a row is right.
// Rows that are not right leave arbitrary bytes in the target.
Napi::Value read_checked_rows(const Napi::CallbackInfo& info);

}  // namespace headstart
