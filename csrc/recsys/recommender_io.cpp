#include "recsys/recommender_io.h"

#include "recsys/model_folder.h"

namespace serendip {

void save_recommender(const std::filesystem::path& folder, const SequenceModel& model,
                      const ItemOrder& order) {
  const SequenceModelConfig& config = model->config;
  save_model_folder(folder, kSequenceModelType,
                    {{"dimensions", config.dimensions},
                     {"layers", config.layers},
                     {"heads", config.heads},
                     {"max_length", config.max_length},
                     {"max_distance", config.max_distance},
                     {"time_gaps", config.time_gaps},
                     {"rewards", config.rewards},
                     {"behaviour_head", config.behaviour_head}},
                    parameters_of(*model), order);
}

SequenceModel load_recommender(const std::filesystem::path& folder, const ItemOrder& order) {
  const ModelFolder saved(folder, kSequenceModelType, order);
  const SequenceModelConfig config{order.size(),
                                   saved.whole("dimensions", 1),
                                   saved.whole("layers", 1),
                                   saved.whole("heads", 1),
                                   saved.whole("max_length", 1),
                                   saved.whole("max_distance", 0),
                                   saved.flag("time_gaps"),
                                   saved.flag("rewards"),
                                   saved.flag("behaviour_head")};
  SequenceModel model(config, std::nullopt);
  saved.read_parameters(*model);
  return model;
}

}  // namespace serendip
