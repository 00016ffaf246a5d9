#include "cpu/available_threads.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace headstart::cpu {
namespace {

constexpr double no_limit = std::numeric_limits<double>::infinity();

#ifdef __linux__
// Zero where the kernel has more processors than a fixed mask holds: they are not counted then.
unsigned allowed_processors() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  return sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 0;
}
#else
unsigned allowed_processors() { return 0; }
#endif

// Processors that `quota` microseconds in every `period` are; no limit where there is no quota.
double processors(double quota, double period) {
  return quota > 0 && period > 0 ? quota / period : no_limit;
}

double read_number(const std::string& path) {
  double value = 0;
  std::ifstream(path) >> value;
  return value;
}

// Version 2: "max 100000", or "150000 100000".
double quota_of(const std::string& group) {
  std::string quota;
  double period = 0;
  std::ifstream(group + "/cpu.max") >> quota >> period;
  return processors(std::strtod(quota.c_str(), nullptr), period);
}

// Version 1: -1 is no quota.
double quota_of_version_1(const std::string& group) {
  return processors(read_number(group + "/cpu.cfs_quota_us"),
                    read_number(group + "/cpu.cfs_period_us"));
}

// The least quota of a control group and of all that hold it. A container that sees its own group
// as the root finds the quota in `mount` itself.
double least_quota(const std::string& mount, std::string group,
                   double (*quota)(const std::string&)) {
  double least = quota(mount);
  for (; group.size() > 1; group.resize(group.rfind('/'))) {
    least = std::min(least, quota(mount + group));
  }
  return least;
}

// A line of /proc/self/cgroup is "0::/a/b" for version 2, "4:cpu,cpuacct:/a/b" for version 1.
double processor_quota(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  double least = no_limit;
  for (std::string line; std::getline(groups, line);) {
    std::istringstream parts(line);
    std::string number, controllers, group;
    std::getline(parts, number, ':');
    std::getline(parts, controllers, ':');
    std::getline(parts, group);
    if (group.empty() || group.front() != '/') continue;
    const std::string mount = root + "/sys/fs/cgroup";
    if (controllers.empty()) {
      least = std::min(least, least_quota(mount, group, quota_of));
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      least = std::min(least, least_quota(mount + "/cpu", group, quota_of_version_1));
    }
  }
  return least;
}

}  // namespace

unsigned available_threads(const std::string& root) {
  const unsigned allowed = allowed_processors();
  const unsigned threads = allowed > 0 ? allowed : std::max(std::thread::hardware_concurrency(), 1u);
  const double quota = std::ceil(processor_quota(root));
  return quota < threads ? std::max(static_cast<unsigned>(quota), 1u) : threads;
}

}  // namespace headstart::cpu
