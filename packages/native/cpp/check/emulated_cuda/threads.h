// The threads of one block at a time, taking turns on the host's thread that runs the block.
#pragma once

#include <cuda_runtime.h>

#include <functional>

namespace headstart::emulated {

constexpr unsigned warp_size = 32;

// Calls kernel once for every thread of every block. Ends the process where threads wait for each
// other in vain.
void run_grid(dim3 grid, unsigned threads, const std::function<void()>& kernel);

// Returns when all threads of the warp that have not ended are here.
void wait_for_warp();

// What each lane of the caller's warp shows the others, between two waits.
const void** warp_slots();

}  // namespace headstart::emulated
