#include "infer/model_options.h"

namespace serendip {

void ModelOptions::declare(OptionSet& set) {
  set.add("path", path, "Hugging Face model folder");
  set.add("template", prompt_template, "prompt; {1}, {2} stand for the context, oldest first");
  set.add("dtype", dtype, "type of the weights in memory; float16 on cuda",
          one_of({"float32", "bfloat16", "float16"}));
  set.add("device", device, "where the model runs", one_of({"cpu", "cuda"}));
}

}  // namespace serendip
