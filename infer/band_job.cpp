#include "infer/band_job.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/parallel_items.h"
#include "base/progress.h"
#include "infer/pair_table.h"

namespace serendip {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kWorthAForecast = 20;  // batches a thread
constexpr int64_t kListedRowsPerBand = 512;
constexpr auto kPoll = std::chrono::seconds(1);
constexpr std::chrono::duration<double> kPatience = std::chrono::seconds(15);
constexpr double kBandsOfPatience = 3;  // and as many times the longest band

// A band's row: k labels, filled up with none.
void add_row(const LabelSearchResult& result, int64_t k, Band& band) {
  for (size_t i = 0; i < static_cast<size_t>(k); ++i) {
    const bool there = i < result.best.size();
    const double log_prob =
        there ? result.best[i].log_prob : -std::numeric_limits<double>::infinity();
    band.label.push_back(there ? result.best[i].label : PairTable::kNoLabel);
    band.log_prob.push_back(static_cast<float>(log_prob));
    band.probability_low.push_back(static_cast<float>(result.probability_low(log_prob)));
    band.probability_high.push_back(static_cast<float>(result.probability_high(log_prob)));
  }
}

// Of one thread's token tree. Its keys and values grow by doubling, which takes three times their
// size while they are copied.
int64_t max_nodes(const Decoder& decoder, const GenerateOptions& options, int64_t workers) {
  const ModelConfig& config = decoder.config;
  const auto dtype = key_value_dtype(decoder.attention_method, decoder.embed_tokens.options());
  const double node_bytes =
      2.0 *
      static_cast<double>(config.num_hidden_layers * config.num_key_value_heads * config.head_dim) *
      static_cast<double>(c10::elementSize(dtype));
  const double nodes = options.memory * 1e9 / static_cast<double>(workers) / 3 / node_bytes;
  return static_cast<int64_t>(std::min(nodes, 1e9));
}

BandCost cost_of(std::vector<int64_t> expansions, int64_t tokens) {
  BandCost cost;
  cost.rows = static_cast<int64_t>(expansions.size());
  cost.tokens = tokens;
  if (expansions.empty()) return cost;
  cost.mean_expansions = std::accumulate(expansions.begin(), expansions.end(), 0.0) /
                         static_cast<double>(expansions.size());
  const auto p99 = expansions.begin() + cost.rows * 99 / 100;
  std::nth_element(expansions.begin(), p99, expansions.end());
  cost.expansions_p99 = *p99;
  return cost;
}

}  // namespace

int64_t rows_per_band(const ContextList& contexts) {
  return contexts.is_all() ? contexts.cluster_count() : kListedRowsPerBand;
}

int64_t band_count(const ContextList& contexts) {
  const int64_t rows = rows_per_band(contexts);
  return (contexts.rows() + rows - 1) / rows;
}

BandJob::BandJob(const LanguageModel& model, const ContextList& contexts,
                 const GenerateOptions& options, BandStore& store, const LaunchInfo& launch)
    : model_(model),
      contexts_(contexts),
      options_(options),
      store_(store),
      launch_(launch),
      free_(options.mode == "free"),
      settings_{free_ ? SearchMode::kGreedy : parse_search_mode(options.mode), options.k,
                options.tolerance, static_cast<uint64_t>(options.seed),
                max_nodes(model.decoder, options, workers())},
      leases_(launch, band_count(contexts)) {
  for (const int32_t band : store.done()) leases_.finish(band);
  for (const int64_t band : not_done()) missing_rows_ += rows_of(band).count();
}

BandJob::Rows BandJob::rows_of(int64_t band) const {
  const int64_t rows = rows_per_band(contexts_);
  return {band * rows, std::min((band + 1) * rows, contexts_.rows())};
}

double BandJob::flops_of(double tokens, double asked) const {
  const ModelConfig& config = model_.decoder.config;
  const double token = config.flops_per_token(false);
  return tokens * token + asked * (config.flops_per_token(true) - token);
}

std::vector<int64_t> BandJob::not_done() const {
  std::vector<int64_t> bands;
  for (int64_t band = 0; band < band_count(contexts_); ++band)
    if (!store_.done().contains(static_cast<int32_t>(band))) bands.push_back(band);
  return bands;
}

std::vector<LabelQuery> BandJob::queries(Rows rows, int64_t stride) const {
  std::vector<LabelQuery> queries;
  for (int64_t row = rows.begin; row < rows.end; row += stride) {
    const std::vector<int32_t> context = contexts_[row];
    queries.push_back({model_.language.prompt(context), context, static_cast<uint64_t>(row)});
  }
  return queries;
}

BandForecast BandJob::forecast() const {
  BandForecast forecast{missing_rows_, 0, 0, 0};
  const int64_t workers = this->workers(), batch = std::min(options_.batch, rows_of(0).count());
  if (forecast.rows < kWorthAForecast * workers * batch) return forecast;
  std::mutex mutex;
  int64_t rows = 0, tokens = 0, projections = 0;
  const auto start = std::chrono::steady_clock::now();
  for_each_item(workers, workers, [&](int64_t, int64_t item) {
    const int64_t band = (2 * item + 1) * band_count(contexts_) / (2 * workers);
    LabelSearch search(model_.decoder, model_.trie, settings_);
    begin_band(search, band);
    const Rows rows_there = rows_of(band);
    const auto results =
        answer(search, queries(rows_there, std::max<int64_t>(1, rows_there.count() / batch)));
    const std::lock_guard lock(mutex);
    rows += static_cast<int64_t>(results.size());
    tokens += search.computed_tokens();
    for (const LabelSearchResult& result : results) projections += result.expansions;
  });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double share = static_cast<double>(forecast.rows) / static_cast<double>(rows);
  forecast.tokens = share * static_cast<double>(tokens);
  forecast.flops = share * flops_of(static_cast<double>(tokens), static_cast<double>(projections));
  forecast.seconds = share * seconds.count() / static_cast<double>(launch_.world_size);
  return forecast;
}

BandCost BandJob::run() {
  Progress progress("generate", missing_rows_, "contexts");
  std::vector<std::unique_ptr<LabelSearch>> searches;  // a worker's
  for (int64_t i = 0; i < workers(); ++i)
    searches.push_back(std::make_unique<LabelSearch>(model_.decoder, model_.trie, settings_));
  std::mutex mutex;
  std::vector<int64_t> expansions;
  std::chrono::duration<double> longest = std::chrono::seconds(0);
  int64_t shown = 0, open_rows = 0;  // open: of bands under way
  const int64_t not_done_before = leases_.unfinished();
  const auto show = [&] {
    const int64_t bands = not_done_before - leases_.unfinished();
    const int64_t rows = std::min(bands * rows_per_band(contexts_) + open_rows, missing_rows_);
    if (rows > shown) progress.advance(rows - std::exchange(shown, rows));
  };
  const auto work = [&](int64_t worker, int64_t number) {
    const auto start = Clock::now();
    const Band band = compute(*searches[static_cast<size_t>(worker)], number,
                              [&](const std::vector<LabelSearchResult>& rows) {
                                const std::lock_guard lock(mutex);
                                for (const LabelSearchResult& row : rows)
                                  expansions.push_back(row.expansions);
                                open_rows += static_cast<int64_t>(rows.size());
                                show();
                              });
    const std::lock_guard lock(mutex);
    store_.append(static_cast<int32_t>(number), band);
    leases_.finish(number);
    open_rows -= rows_of(number).count();
    longest = std::max<std::chrono::duration<double>>(longest, Clock::now() - start);
    show();
  };
  for_each_item(
      workers(), [&] { return leases_.next(); }, work, [&] { leases_.give_up(); });
  if (!launch_.can_meet && launch_.rank == 0)
    for (;;) {
      const auto patience = std::max(kPatience, kBandsOfPatience * longest);
      const std::vector<int64_t> owed = owed_by_others(patience);
      if (owed.empty()) break;
      // One a worker, then another look: the others may be alive and slow.
      const auto count = std::min(workers(), static_cast<int64_t>(owed.size()));
      for_each_item(workers(), count, [&](int64_t worker, int64_t item) {
        work(worker, owed[static_cast<size_t>(item)]);
      });
    }
  progress.finish();
  int64_t tokens = 0;
  for (const auto& search : searches) tokens += search->computed_tokens();
  BandCost cost = cost_of(std::move(expansions), tokens);
  cost.flops =
      flops_of(static_cast<double>(tokens), cost.mean_expansions * static_cast<double>(cost.rows));
  return cost;
}

std::vector<LabelSearchResult> BandJob::answer_freely(
    LabelSearch& search, const std::vector<LabelQuery>& queries) const {
  std::vector<std::vector<int32_t>> prompts;
  for (const LabelQuery& query : queries) prompts.push_back(query.prompt);
  std::vector<LabelSearchResult> results;
  const std::vector<FreeAnswer> answers = search.run_freely(prompts);
  for (size_t i = 0; i < queries.size(); ++i) {
    // One label or none; of the closed set's mass it knows nothing but its own.
    LabelSearchResult result{
        {}, answers[i].log_prob, 0, static_cast<int64_t>(answers[i].ids.size()) + 1};
    const int32_t label = model_.label_of(answers[i]);
    const std::vector<int32_t>& excluded = queries[i].excluded;
    if (label >= 0 && std::count(excluded.begin(), excluded.end(), label) == 0)
      result.best.push_back({label, answers[i].log_prob});
    results.push_back(std::move(result));
  }
  return results;
}

std::vector<LabelSearchResult> BandJob::answer(LabelSearch& search,
                                               const std::vector<LabelQuery>& queries) const {
  try {
    return free_ ? answer_freely(search, queries) : search.run(queries);
  } catch (const SearchOverflow& overflow) {
    if (queries.size() == 1)
      fail("generate.memory: {:.3g} GB are too few for one context: {}", options_.memory,
           overflow.what());
  }
  const auto middle = queries.begin() + static_cast<int64_t>(queries.size() / 2);
  std::vector<LabelSearchResult> results = answer(search, {queries.begin(), middle});
  for (LabelSearchResult& result : answer(search, {middle, queries.end()}))
    results.push_back(std::move(result));
  return results;
}

std::vector<int64_t> BandJob::owed_by_others(std::chrono::duration<double> patience) {
  size_t known = 0;
  for (auto seen = Clock::now();; std::this_thread::sleep_for(kPoll)) {
    throw_if_interrupted();
    store_.refresh();
    const std::vector<int64_t> owed = not_done();
    if (store_.done().size() > std::exchange(known, store_.done().size())) seen = Clock::now();
    if (owed.empty() || Clock::now() - seen > patience) return owed;
  }
}

// Computes what the band's prompts share: as its rows ascend, what the first and the last share. At
// least the last cluster is left to each.
void BandJob::begin_band(LabelSearch& search, int64_t band) const {
  const Rows rows = rows_of(band);
  const std::vector<int32_t> first = contexts_[rows.begin], last = contexts_[rows.end - 1];
  const auto shared = std::mismatch(first.begin(), first.end() - 1, last.begin()).first;
  search.hold_prefix(model_.language.prompt({first.begin(), shared}));
}

Band BandJob::compute(LabelSearch& search, int64_t number, const RowsDone& done) const {
  begin_band(search, number);
  Band band;
  const Rows rows = rows_of(number);
  for (int64_t row = rows.begin; row < rows.end; row += options_.batch) {
    throw_if_interrupted();
    const auto results =
        answer(search, queries({row, std::min(row + options_.batch, rows.end)}, 1));
    for (const LabelSearchResult& result : results) add_row(result, options_.k, band);
    done(results);
  }
  // All records are of one size.
  const LabelSearchResult none{{}, 0, 0, 0};
  for (int64_t row = rows.count(); row < rows_per_band(contexts_); ++row)
    add_row(none, options_.k, band);
  return band;
}

}  // namespace serendip
