"""torch.ops.serendip.* as a Python user has them: loaded from the shared library, beside Torch's own.

    .venv/bin/python tests/kernels/ops_test.py build/cuda/libserendip_ops.so
"""

import sys
import unittest

import torch

LIBRARY = sys.argv.pop()
DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])


def restricted_problem(device, dtype, width=32):
    torch.manual_seed(3)
    sizes = torch.tensor([40, 0, 7, 300, 1])
    cluster_offset = torch.cat([torch.zeros(1, dtype=torch.int64), sizes.cumsum(0)])
    rows = [[0, 3], [1], [], [4, 2, 4], [3]]
    row_offset = torch.tensor([0] + [len(row) for row in rows]).cumsum(0)
    row_cluster = torch.tensor([cluster for row in rows for cluster in row])
    query = torch.randn(len(rows), width).to(dtype)
    items = torch.randn(int(sizes.sum()), width).to(dtype)
    tensors = [query, items, cluster_offset, row_offset, row_cluster]
    return [tensor.to(device) for tensor in tensors], rows


def masked_softmax(query, items, cluster_offset, rows, k):
    """(ids, log_prob, log_z) by a dense product, a mask and Torch's topk."""
    scores = query.double() @ items.double().T
    for b, row in enumerate(rows):
        allowed = torch.zeros(len(items), dtype=torch.bool)
        for cluster in row:
            allowed[cluster_offset[cluster]:cluster_offset[cluster + 1]] = True
        scores[b, ~allowed] = -torch.inf
    log_z = scores.logsumexp(1)
    best = scores.topk(k)
    ids = torch.where(best.values == -torch.inf, -1, best.indices)
    log_prob = torch.where(ids < 0, -torch.inf, best.values - log_z[:, None])
    return ids, log_prob, log_z


class ClusterSoftmaxTopk(unittest.TestCase):
    def test_equals_a_masked_softmax(self):
        for device in DEVICES:
            for dtype in (torch.float32, torch.bfloat16, torch.float16):
                arguments, rows = restricted_problem(device, dtype)
                ids, log_prob, log_z = torch.ops.serendip.cluster_softmax_topk(*arguments, 10)
                query, items, cluster_offset = (tensor.cpu() for tensor in arguments[:3])
                expected = masked_softmax(query, items, cluster_offset, rows, 10)
                self.assertTrue(torch.equal(ids.cpu(), expected[0]), f"{device} {dtype}")
                torch.testing.assert_close(log_prob.cpu().double(), expected[1], rtol=1e-5, atol=1e-5)
                torch.testing.assert_close(log_z.cpu().double(), expected[2], rtol=1e-5, atol=1e-5)

    def test_schema_and_meta_function(self):
        for device in DEVICES:
            arguments, _ = restricted_problem(device, torch.float32)
            torch.library.opcheck(torch.ops.serendip.cluster_softmax_topk.default, (*arguments, 10))

    def test_bad_input_is_named(self):
        arguments, _ = restricted_problem("cpu", torch.float32)
        with self.assertRaisesRegex(RuntimeError, "item_embedding: expected width 32, got 31"):
            torch.ops.serendip.cluster_softmax_topk(arguments[0], arguments[1][:, 1:], *arguments[2:], 10)


class ClusterLogSoftmax(unittest.TestCase):
    def test_equals_a_masked_log_softmax_with_its_gradients(self):
        for device in DEVICES:
            arguments, rows = restricted_problem(device, torch.float32)
            target = torch.tensor([50, -1, -1, 43, 340], device=device)
            arguments[0].requires_grad_(True)
            arguments[1].requires_grad_(True)
            log_prob, _ = torch.ops.serendip.cluster_log_softmax(*arguments, target)
            log_prob.sum().backward()
            query, items = (tensor.detach().cpu().double().requires_grad_(True) for tensor in arguments[:2])
            scores, expected = query @ items.T, 0.0
            for b, row in enumerate(rows):
                if target[b] >= 0:
                    allowed = torch.cat([torch.arange(*arguments[2][c:c + 2].tolist()) for c in set(row)])
                    expected = expected + scores[b, target[b]] - scores[b, allowed].logsumexp(0)
            expected.backward()
            torch.testing.assert_close(log_prob.sum().cpu().double(), expected, rtol=1e-5, atol=1e-5)
            for actual, wide in zip(arguments[:2], (query, items)):
                torch.testing.assert_close(actual.grad.cpu().double(), wide.grad, rtol=1e-4, atol=1e-5)

    def test_passes_opcheck(self):
        for device in DEVICES:
            arguments, _ = restricted_problem(device, torch.float32)
            target = torch.tensor([50, -1, -1, 43, 340], device=device)
            arguments[0].requires_grad_(True)
            torch.library.opcheck(torch.ops.serendip.cluster_log_softmax.default, (*arguments, target))


class TokenCrossEntropy(unittest.TestCase):
    def test_equals_torch_and_passes_opcheck(self):
        for device in DEVICES:
            torch.manual_seed(5)
            logits = torch.randn(3, 200, device=device, requires_grad=True)
            target = torch.tensor([5, 199, 0], device=device)
            offset = torch.arange(4, device=device)
            weight = torch.rand(3, device=device)
            expected = torch.nn.functional.cross_entropy(logits, target, reduction="none")
            (expected * weight).sum().backward()
            in_place = logits.detach().clone()
            torch.library.opcheck(torch.ops.serendip.token_cross_entropy_.default,
                                  (in_place.clone(), offset, target, weight))
            loss = torch.ops.serendip.token_cross_entropy_(in_place, offset, target, weight)
            torch.testing.assert_close(loss, expected.detach(), rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(in_place, logits.grad, rtol=1e-5, atol=1e-7)


class TrieMaskTopk(unittest.TestCase):
    def test_equals_torch_and_passes_opcheck(self):
        for device in DEVICES:
            torch.manual_seed(5)
            logits = torch.randn(1, 200, device=device)
            tokens = torch.tensor([7, 150, 3, 42], device=device)
            offset = torch.tensor([0, 4], device=device)
            arguments = (logits, offset, tokens, 3)
            torch.library.opcheck(torch.ops.serendip.trie_mask_topk.default, arguments)
            child, log_prob, log_z = torch.ops.serendip.trie_mask_topk(*arguments)
            best = logits.log_softmax(1)[0, tokens].topk(3)
            self.assertTrue(torch.equal(child[0], best.indices))
            torch.testing.assert_close(log_prob[0], best.values, rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(log_z, logits.logsumexp(1), rtol=1e-5, atol=1e-6)


class TreeAttention(unittest.TestCase):
    def test_a_chain_equals_causal_attention_and_passes_opcheck(self):
        for device in DEVICES:
            torch.manual_seed(5)
            nodes, heads, key_heads, width = 12, 4, 2, 8
            query = torch.randn(nodes, heads, width, device=device, requires_grad=True)
            key = torch.randn(nodes, key_heads, width, device=device, requires_grad=True)
            value = torch.randn(nodes, key_heads, width, device=device, requires_grad=True)
            path_offset = torch.arange(nodes + 1, device=device).cumsum(0)
            path = torch.cat([torch.arange(t + 1, device=device) for t in range(nodes)]).int()
            out, _ = torch.ops.serendip.tree_attention(query, key, value, path_offset, path, width ** -0.5)
            first = [tensor.transpose(0, 1) for tensor in (query, key, value)]
            expected = torch.nn.functional.scaled_dot_product_attention(*first, is_causal=True, enable_gqa=True)
            torch.testing.assert_close(out, expected.transpose(0, 1), rtol=1e-5, atol=1e-6)
            weight = torch.randn_like(out)
            actual = torch.autograd.grad((out * weight).sum(), (query, key, value))
            wanted = torch.autograd.grad((expected.transpose(0, 1) * weight).sum(), (query, key, value))
            for a, b in zip(actual, wanted):
                torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
            torch.library.opcheck(torch.ops.serendip.tree_attention.default,
                                  (query, key, value, path_offset, path, width ** -0.5))


if __name__ == "__main__":
    torch.ops.load_library(LIBRARY)
    unittest.main()
