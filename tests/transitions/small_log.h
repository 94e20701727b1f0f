// Twelve events whose transitions are worked out by hand.
#pragma once

#include "data/dataset.h"
#include "data/split.h"

namespace serendip {

// Items 0 and 1 are in cluster 0, items 2, 3, 4 in clusters 1, 2, 3.
inline const std::vector<int32_t> kSmallLogClusters = {0, 0, 1, 2, 3};

// The stable hash puts ana and ben into training, cleo into test and eva into dev. With K = 2 and
// positive from reward 4 (+):
//   ana   0+ 1+ 2+ 0+ 3+   (0,1)->2 at the third event, (2,0)->3 at the fifth; the fourth is not
//   new
//                          to her history, but is new to its context: (1,2)->0 under that rule
//   ben   0+ 1+ 3- 2+      (0,1)->2 at the fourth: the disliked 3 is neither label nor context
//   cleo                   no events
//   eva   2+ 1+ 3+         (2,1)->3
// Training counts: (0,1)->2 twice, (2,0)->3 once.
inline Dataset small_log() {
  Dataset log;
  log.item_id = {"i0", "i1", "i2", "i3", "i4"};
  log.item_title = {"Zero", "Zero again", "One", "Two", "Three"};
  log.item_text = {"", "", "", "", ""};
  log.user_id = {"ana", "ben", "cleo", "eva"};
  log.user_offset = {0, 5, 9, 9, 12};
  log.event_item = {0, 2, 3, 1, 4, 0, 2, 4, 3, 3, 2, 4};
  log.event_time = {1, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3};
  log.event_reward = {5, 4, 5, 4, 5, 5, 5, 1, 4, 5, 5, 4};
  return log;
}

}  // namespace serendip
