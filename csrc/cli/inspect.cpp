#include "cli/command.h"
#include "cli/describe.h"

namespace serendip {

void add_inspect(CLI::App& app) {
  CLI::App& command = *app.add_subcommand(
      "inspect", "Show what an artifact holds: HDF5, safetensors, JSON, a folder");
  const auto path = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  command.add_option("FILE", *path, "file or folder")->required()->type_name("");
  command.add_flag("--json", *json, "print the same as JSON");
  command.callback([path, json] {
    const nlohmann::ordered_json description = describe(*path);
    print(*json ? description.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                : description_text(description));
  });
}

}  // namespace serendip
