#include "lm/config.h"
#include "tests/fuzz/fuzz_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return serendip::fuzz_file("config.json", data, size, [](const auto& folder) {
    const serendip::ModelConfig config = serendip::load_model_config(folder);
    volatile int64_t kept = config.parameter_count();
    (void)kept;
  });
}
