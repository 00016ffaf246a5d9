// Stands for the CUDA part where the addon was built without the CUDA toolkit.
#include "cuda/probe.h"

namespace headstart::cuda {

Probe probe() {
  return {false, "this build has no CUDA part: nvcc was not found when it was built"};
}

}  // namespace headstart::cuda
