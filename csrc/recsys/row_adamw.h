// AdamW for an embedding table of which a step meets few rows.
#pragma once

#include <torch/types.h>

namespace serendip {

// The step of torch::optim::AdamW on the rows that a sparse gradient names; the others keep their
// values, moments and decay. A row counts its own steps, so that one met late is corrected for bias
// as if training had just begun (a common count would make its first step 3.2 times too long).
// Time and memory of a step follow the rows it names, not the table.
class RowAdamW {
 public:
  // table: [N, d], a leaf; weight_decay is decoupled.
  RowAdamW(at::Tensor table, double learning_rate, double weight_decay);

  // Reads table.grad(), sparse [N, d] over its rows; does nothing without one.
  void step();

 private:
  at::Tensor table_;
  double learning_rate_, weight_decay_;
  at::Tensor exp_avg_, exp_avg_sq_;  // [N, d]
  at::Tensor steps_;                 // [N, 1] steps that named the row, of the table's dtype
};

}  // namespace serendip
