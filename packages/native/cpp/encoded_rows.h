// Rows of numbers behind headers with a checksum, as read_checked_rows reads them.
#pragma once

#include "napi_setup.h"

namespace headstart {

// Arguments: numbers (Float32Array [N x row]), headers (Uint8Array [N x header bytes], little-endian
// CRC-32 left out at byte 4), bytes of a header, bytes of its part that the checksum covers from byte 8
// on, whether numbers become float16, target (Uint8Array [N x record bytes]: header, numbers, zeros).
// Numbers and target are left alone meanwhile. A promise of the place of the first number that has no
// finite value in the target; -1 where there is none. The function's data is a TaskPool.
Napi::Value encode_rows(const Napi::CallbackInfo& info);

}  // namespace headstart
