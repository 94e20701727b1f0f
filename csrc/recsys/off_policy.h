// What a policy would have earned, estimated from events that another policy chose.
#pragma once

#include <cstdint>
#include <vector>

namespace serendip {

struct LoggedEvent {
  int64_t user;
  double reward;
  double log_target;     // log pi(a | s) of the policy in question, for the action taken
  double log_behaviour;  // log beta(a | s) of the one that logged
  // A model of rewards, for the doubly robust estimate: q(s, a), and the mean of q(s, .) under pi.
  double model_reward = 0.0;
  double model_value = 0.0;
};

struct ValueEstimate {
  double value;
  double low, high;  // 95% by the normal approximation, events of a user taken as dependent
};

// w = min(pi / beta, cap) for each event:
struct OffPolicyEstimates {
  ValueEstimate importance;       // mean of w r (Horvitz and Thompson 1952)
  ValueEstimate self_normalised;  // sum of w r / sum of w (Swaminathan and Joachims 2015)
  ValueEstimate doubly_robust;    // mean of model_value + w (r - model_reward) (Dudik et al. 2011)
  double effective_sample_size;   // (sum w)^2 / sum w^2 (Kish 1965), in events
  double clipped_share;           // events whose weight the cap lowered: what biases the estimates
  double largest_weight;          // before the cap
};

// Unbiased without clipping (importance and doubly robust) where beta is what logged and covers pi.
// Throws Error for fewer than 2 users, numbers that are not finite (log_target may be -inf), a cap
// that is not positive, and weights that are all zero.
OffPolicyEstimates estimate_off_policy(const std::vector<LoggedEvent>& events, double weight_cap);

}  // namespace serendip
