// Carries the precompiled header of LibTorch that every Torch-using target reuses.
namespace serendip {
extern const int kTorchPrecompiledHeader;
const int kTorchPrecompiledHeader = 1;
}  // namespace serendip
