#pragma once

#include <string>

namespace headstart::cpu {

// Threads that this process can keep busy at once, at least 1: the processors that it may run on
// (its affinity mask), or fewer where the CPU quota of its control groups (cgroup v1 or v2) is less;
// part of a processor counts as one. Both can change while a process runs: nothing is kept.
//
// root: the folder that holds proc/ and sys/; "/" but in tests.
unsigned available_threads(const std::string& root = "/");

}  // namespace headstart::cpu
