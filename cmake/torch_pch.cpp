// Carries the precompiled torch/torch.h that every Torch-using target reuses.
namespace serendip {
extern const int kTorchPrecompiledHeader;
const int kTorchPrecompiledHeader = 1;
}  // namespace serendip
