// The work of filling a pair table: bands of consecutive rows, whose contexts begin alike, shared
// out over the processes of a job; in each, a thread computes one by itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "distributed/device.h"
#include "distributed/work_leases.h"
#include "infer/band_store.h"
#include "infer/generate.h"
#include "infer/label_search.h"
#include "infer/language_model.h"
#include "transitions/context_list.h"

namespace serendip {

// What the rows that are not done will take, all processes together.
struct BandForecast {
  int64_t rows = 0;
  double tokens = 0, flops = 0, seconds = 0;  // seconds: 0 where too little is left to try
};

// What the rows that this process has done took.
struct BandCost {
  int64_t rows = 0, tokens = 0;
  double flops = 0, mean_expansions = 0;
  int64_t expansions_p99 = 0;
};

// Of all M^K contexts those that differ in the last cluster alone, else a fixed number.
int64_t rows_per_band(const ContextList& contexts);
int64_t band_count(const ContextList& contexts);

class BandJob {
 public:
  // Meets the job's other processes where they know how. Keeps references to the first four.
  BandJob(const LanguageModel& model, const ContextList& contexts, const GenerateOptions& options,
          BandStore& store, const LaunchInfo& launch);

  // From the rate of one batch a thread, spread over the table.
  BandForecast forecast() const;
  // Computes the bands that no process has done into the store; returns when all are done. Where
  // processes cannot meet, each does its stride, and rank 0 then waits for the others', and does
  // what does not come. Throws Interrupted with what is finished kept.
  BandCost run();

 private:
  struct Rows {
    int64_t begin, end;
    int64_t count() const { return end - begin; }
  };
  using RowsDone = std::function<void(const std::vector<LabelSearchResult>&)>;

  int64_t workers() const { return parallel_workers(model_.decoder.embed_tokens.device()); }
  Rows rows_of(int64_t band) const;
  // Of tokens through the layers, and of those whose next one was asked for.
  double flops_of(double tokens, double asked) const;
  std::vector<LabelQuery> queries(Rows rows, int64_t stride) const;
  Band compute(LabelSearch& search, int64_t band, const RowsDone& done) const;
  void begin_band(LabelSearch& search, int64_t band) const;
  std::vector<int64_t> not_done() const;
  // Bands that other processes owe, once none has come for a while; none where all are done.
  std::vector<int64_t> owed_by_others(std::chrono::duration<double> patience);
  // Of as many queries at a time as the memory allows.
  std::vector<LabelSearchResult> answer(LabelSearch& search,
                                        const std::vector<LabelQuery>& queries) const;
  std::vector<LabelSearchResult> answer_freely(LabelSearch& search,
                                               const std::vector<LabelQuery>& queries) const;

  const LanguageModel& model_;
  const ContextList& contexts_;
  const GenerateOptions& options_;
  BandStore& store_;
  LaunchInfo launch_;
  bool free_;  // generate.mode
  int64_t missing_rows_ = 0;
  SearchSettings settings_;
  WorkLeases leases_;
};

}  // namespace serendip
