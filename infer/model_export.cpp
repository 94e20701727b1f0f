#include "infer/model_export.h"

#include "base/check.h"
#include "lm/lora.h"
#include "lm/model_io.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

torch::ScalarType parse_dtype(const std::string& name) {
  if (name == "float32") return torch::kFloat32;
  if (name == "bfloat16") return torch::kBFloat16;
  SERENDIP_CHECK(name == "float16", "dtype: expected float32, bfloat16 or float16, got '{}'", name);
  return torch::kFloat16;
}

}  // namespace

void export_model(const fs::path& source, const fs::path& target,
                  const ModelExportOptions& options) {
  SERENDIP_CHECK(options.merge || !is_adapter_folder(source),
                 "{}: an adapter; --merge folds it into its base model", source.string());
  SERENDIP_CHECK(!fs::exists(target) || (fs::is_directory(target) && fs::is_empty(target)),
                 "{}: exists and is not an empty folder", target.string());
  Decoder decoder = merge_lora(load_decoder(source));
  const fs::path partial = target.string() + ".partial";
  fs::remove_all(partial);
  save_decoder(decoder, base_model_folder(source), partial,
               {parse_dtype(options.dtype), options.max_shard_size});
  fs::remove(target);
  fs::rename(partial, target);
}

}  // namespace serendip
