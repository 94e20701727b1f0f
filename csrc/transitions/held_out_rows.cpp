#include "transitions/held_out_rows.h"

#include <algorithm>

namespace serendip {
namespace {

constexpr int64_t kBlockRows = 1 << 16;

}  // namespace

HeldOutRows::HeldOutRows(int64_t context_size, const std::filesystem::path& folder)
    : context_size_(context_size), scratch_(folder) {}

void HeldOutRows::append(const UserTransitions& rows) {
  for (size_t row = 0; row < rows.label.size(); ++row) {
    waiting_.push_back(rows.user[row]);
    const auto context = rows.context.begin() + static_cast<int64_t>(row) * context_size_;
    waiting_.insert(waiting_.end(), context, context + context_size_);
    waiting_.push_back(rows.label[row]);
    ++size_;
  }
  if (static_cast<int64_t>(waiting_.size()) >= kBlockRows * (context_size_ + 2)) flush();
}

void HeldOutRows::flush() {
  scratch_.write<int32_t>(waiting_, written_ * (context_size_ + 2));
  written_ = size_;
  waiting_.clear();
}

bool HeldOutRows::next(UserTransitions& block) {
  flush();
  const int64_t rows = std::min(kBlockRows, size_ - read_), width = context_size_ + 2;
  std::vector<int32_t> values(static_cast<size_t>(rows * width));
  scratch_.read<int32_t>(values, read_ * width);
  read_ += rows;
  block = {};
  block.context_size = context_size_;
  for (auto row = values.begin(); row != values.end(); row += width) {
    block.user.push_back(*row);
    block.context.insert(block.context.end(), row + 1, row + 1 + context_size_);
    block.label.push_back(*(row + 1 + context_size_));
  }
  return rows > 0;
}

}  // namespace serendip
