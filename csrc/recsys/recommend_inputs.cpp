#include "recsys/recommend_inputs.h"

#include "base/check.h"

namespace serendip {

RecommendInputs load_recommend_inputs(const RecommendOptions& options,
                                      const std::filesystem::path& data_h5,
                                      const std::filesystem::path& tree_h5) {
  RecommendInputs inputs{
      load_dataset(data_h5, /*with_embedding=*/false), load_tree(tree_h5), {}, {}};
  inputs.order = make_item_order(inputs.tree);
  EventLog events = make_event_log(inputs.data, inputs.order);
  const bool by_time = options.split == "time";
  inputs.events = by_time ? split_by_time(std::move(events)) : leave_one_out(std::move(events));
  for (const HeldOutEvent event : {HeldOutEvent::kValidation, HeldOutEvent::kTest})
    SERENDIP_CHECK(!inputs.events.evaluated_users(event).empty(),
                   "{}: expected users with {}, got none", data_h5.string(),
                   by_time ? "events on both sides of each cut in time" : "at least 3 events");
  return inputs;
}

std::vector<int64_t> counts_by_item(const RecommendInputs& inputs) {
  const std::vector<int64_t> counts = inputs.events.training_counts(inputs.order.size());
  std::vector<int64_t> result(counts.size());
  for (size_t position = 0; position < counts.size(); ++position)
    result[static_cast<size_t>(inputs.order.item[position])] = counts[position];
  return result;
}

}  // namespace serendip
