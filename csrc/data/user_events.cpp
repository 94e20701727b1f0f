#include "data/user_events.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace serendip {
namespace {

constexpr int64_t kUsers = 1 << 16, kEvents = 1 << 20;  // of a stretch

int64_t rows_of(const Hdf5File& file, const std::string& name, const std::string& source) {
  const std::vector<int64_t> shape = file.shape(name);
  SERENDIP_CHECK(shape.size() == 1, "{}: {} is [{}], expected a list", source, name,
                 fmt::join(shape, ", "));
  return shape[0];
}

}  // namespace

UserEventReader::UserEventReader(const std::filesystem::path& data_h5, int64_t piece,
                                 int64_t pieces)
    : file_(Hdf5File::open(data_h5)), source_(data_h5.string()) {
  item_count_ = rows_of(file_, "/items/id", source_);
  event_count_ = rows_of(file_, "/events/item", source_);
  const int64_t users = rows_of(file_, "/users/id", source_);
  for (const auto& [name, expected] :
       {std::pair("/users/offsets", users + 1), std::pair("/events/reward", event_count_)})
    SERENDIP_CHECK(rows_of(file_, name, source_) == expected, "{}: {} has {} entries, expected {}",
                   source_, name, rows_of(file_, name, source_), expected);
  begin_ = next_ = users * piece / pieces;
  end_ = users * (piece + 1) / pieces;
}

bool UserEventReader::next(UserEvents& events) {
  if (next_ == end_) return false;
  int64_t last = std::min(end_, next_ + kUsers);
  events.first_user = next_;
  events.offset = file_.read_rows<int64_t>("/users/offsets", next_, last + 1);
  const int64_t begin = events.offset[0];
  for (size_t user = 1; user < events.offset.size(); ++user)
    SERENDIP_CHECK(
        0 <= begin && events.offset[user - 1] <= events.offset[user] &&
            events.offset[user] <= event_count_,
        "{}: /users/offsets goes from {} to {} at user {}, expected it to rise within {} events",
        source_, events.offset[user - 1], events.offset[user],
        next_ + static_cast<int64_t>(user) - 1, event_count_);
  const auto beyond =
      std::upper_bound(events.offset.begin() + 2, events.offset.end(), begin + kEvents);
  events.offset.erase(beyond, events.offset.end());
  last = next_ + static_cast<int64_t>(events.offset.size()) - 1;
  const int64_t end = events.offset.back();
  for (int64_t& offset : events.offset) offset -= begin;

  events.user_id = file_.read_string_rows("/users/id", next_, last);
  events.item = file_.read_rows<int32_t>("/events/item", begin, end);
  events.reward = file_.read_rows<float>("/events/reward", begin, end);
  for (size_t e = 0; e < events.item.size(); ++e) {
    SERENDIP_CHECK(0 <= events.item[e] && events.item[e] < item_count_,
                   "{}: /events/item[{}] is {}, expected 0 to {}", source_,
                   begin + static_cast<int64_t>(e), events.item[e], item_count_ - 1);
    SERENDIP_CHECK(std::isfinite(events.reward[e]), "{}: /events/reward[{}] is {}", source_,
                   begin + static_cast<int64_t>(e), events.reward[e]);
  }
  next_ = last;
  return true;
}

}  // namespace serendip
