// A small Llama and its vocabulary trained from scratch on item text, for machines that cannot hold
// more.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "train/pretrain_options.h"

namespace serendip {

// Reads the items' titles and texts of `data` (data.h5). Writes run_folder/base_model, a Hugging
// Face folder, once and whole at the end, and run_folder/pretrain with every step's metrics and
// TensorBoard events. The documents of 2% of the items (train/item_text.h) are held out of
// vocabulary and training and measured before and after: loss in nats a token, terminators among
// them, and in bits a byte of text.
//
// The job is small: a call that was killed or interrupted leaves no model, and the next one begins
// from the beginning. The same data and settings make the same files, bit for bit on the same
// hardware.
//
// Returns {"parameters", "pieces", "documents", "held_out_documents", "tokens" (of an epoch),
// "steps", "loss" (of the last step), "untrained_held_out_loss",
// "untrained_held_out_bits_per_byte", "held_out_loss", "held_out_bits_per_byte",
// "seconds_per_step", "tokens_per_second", "share_of_gemm_rate"}.
nlohmann::json pretrain(const PretrainOptions& options, const std::filesystem::path& data,
                        const std::filesystem::path& run_folder);

}  // namespace serendip
