#pragma once

#include <memory>
#include <string>

#include "head/backend.h"
#include "head/spec.h"

namespace headstart::cpu {

// Threads that this process may run at once, 1 … 16.
unsigned default_threads();

// "CPU, AVX-512, 2 threads".
std::string describe();

// The CPU backend for `heads` heads of one plan. threads = 0: default_threads().
std::unique_ptr<Engine> make_engine(const Plan& plan, std::size_t heads, unsigned threads);

}  // namespace headstart::cpu
