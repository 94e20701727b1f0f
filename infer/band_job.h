// The work of filling a pair table: bands, all rows that share c1, shared out over the processes of
// a job; in each, a thread computes one by itself.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "distributed/work_leases.h"
#include "infer/band_store.h"
#include "infer/generate.h"
#include "infer/label_search.h"
#include "infer/language_model.h"
#include "infer/parallel_items.h"

namespace serendip {

// What the rows that are not done will take, all processes together.
struct BandForecast {
  int64_t rows = 0;
  double tokens = 0, flops = 0, seconds = 0;  // seconds: 0 where too little is left to try
};

// What the rows that this process has done took.
struct BandCost {
  int64_t rows = 0, tokens = 0;
  double mean_expansions = 0;
  int64_t expansions_p99 = 0;
};

class BandJob {
 public:
  // Meets the job's other processes. Keeps references to the first three.
  BandJob(const LanguageModel& model, const GenerateOptions& options, BandStore& store,
          const LaunchInfo& launch);

  // From the rate of one batch a thread, spread over the table.
  BandForecast forecast() const;
  // Computes the bands that no process has done into the store; returns when all are done. Throws
  // Interrupted with what is finished kept.
  BandCost run();

 private:
  using RowsDone = std::function<void(const std::vector<LabelSearchResult>&)>;

  int64_t workers() const { return parallel_workers(model_.decoder.embed_tokens.device()); }
  int64_t clusters() const { return model_.language.cluster_count(); }
  int64_t missing_rows() const { return (clusters() - done_before_) * clusters(); }
  std::vector<LabelQuery> queries(int64_t c1, int64_t first, int64_t count, int64_t stride) const;
  Band compute(LabelSearch& search, int64_t c1, const RowsDone& done) const;
  void begin_band(LabelSearch& search, int64_t c1) const;
  // Of as many queries at a time as the memory allows.
  std::vector<LabelSearchResult> answer(LabelSearch& search,
                                        const std::vector<LabelQuery>& queries) const;
  std::vector<LabelSearchResult> answer_freely(LabelSearch& search,
                                               const std::vector<LabelQuery>& queries) const;

  const LanguageModel& model_;
  const GenerateOptions& options_;
  BandStore& store_;
  bool free_;                             // generate.mode
  int64_t world_size_, done_before_ = 0;  // done_before: bands
  SearchSettings settings_;
  WorkLeases leases_;
};

}  // namespace serendip
