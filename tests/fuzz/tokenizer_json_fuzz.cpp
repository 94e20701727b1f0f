#include "lm/tokenizer.h"
#include "tests/fuzz/fuzz_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return serendip::fuzz_file("tokenizer.json", data, size, [](const auto& folder) {
    const auto tokenizer = serendip::load_tokenizer(folder);
    // A vocabulary with one huge id is valid and only slow.
    if (tokenizer->vocabulary_size() > 1 << 20) return;
    tokenizer->decode(tokenizer->encode("Hello  w\u00f6rld \u4f60\u597d 42<s>\n"));
  });
}
