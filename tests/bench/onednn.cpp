// oneDNN as a peer of `tipwright bench`: onednn judge A|B BATCH, one thread. Each convolution asks
// for Winograd and takes the library's own choice where that is not to be had.
#include <dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

using namespace dnnl;
using dims = memory::dims;

namespace {

engine cpu(engine::kind::cpu, 0);
stream flow(cpu);

struct Step {
    primitive run;
    std::unordered_map<int, memory> arguments;
};

memory::desc any(const dims &shape)
{
    return {shape, memory::data_type::f32, memory::format_tag::any};
}

memory filled(const memory::desc &desc, float bound)
{
    memory result(desc, cpu);
    float *values = static_cast<float *>(result.get_data_handle());
    for (size_t i = 0; i < desc.get_size() / sizeof(float); i++)
        values[i] = bound * (static_cast<float>(i * 7919 % 1009) / 504.5F - 1.0F);
    return result;
}

primitive_attr with_relu()
{
    post_ops after;
    after.append_eltwise(1.0F, algorithm::eltwise_relu, 0.0F, 0.0F);
    primitive_attr attributes;
    attributes.set_post_ops(after);
    return attributes;
}

class Net {
public:
    Net(long batch, long size) : batch_(batch), at_({{batch, 1, size, size}, memory::data_type::f32,
                                                    memory::format_tag::nchw}, cpu)
    {
        at_ = filled(at_.get_desc(), 1.0F);
    }

    void conv(long units)
    {
        const dims shape = at_.get_desc().dims();
        const dims out = {batch_, units, shape[2], shape[3]};
        auto describe = [&](algorithm how) {
            return convolution_forward::primitive_desc(
                {prop_kind::forward_inference, how, any(shape), any({units, shape[1], 3, 3}),
                 any({units}), any(out), {1, 1}, {1, 1}, {1, 1}},
                with_relu(), cpu);
        };
        convolution_forward::primitive_desc chosen;
        try {
            chosen = describe(algorithm::convolution_winograd);
        } catch (const error &) {
            chosen = describe(algorithm::convolution_auto);
        }
        reorder_to(chosen.src_desc());
        memory result(chosen.dst_desc(), cpu);
        steps_.push_back({convolution_forward(chosen),
                          {{DNNL_ARG_SRC, at_},
                           {DNNL_ARG_WEIGHTS, filled(chosen.weights_desc(), 0.05F)},
                           {DNNL_ARG_BIAS, filled(chosen.bias_desc(), 0.1F)},
                           {DNNL_ARG_DST, result}}});
        at_ = result;
    }

    void pool()
    {
        const dims shape = at_.get_desc().dims();
        pooling_forward::primitive_desc chosen(
            {prop_kind::forward_inference, algorithm::pooling_max, at_.get_desc(),
             any({batch_, shape[1], shape[2] / 2, shape[3] / 2}), {2, 2}, {2, 2}, {0, 0}, {0, 0}},
            cpu);
        memory result(chosen.dst_desc(), cpu);
        steps_.push_back({pooling_forward(chosen), {{DNNL_ARG_SRC, at_}, {DNNL_ARG_DST, result}}});
        at_ = result;
    }

    void dense(long units, bool relu)
    {
        dims weights = at_.get_desc().dims();
        weights[0] = units;
        inner_product_forward::primitive_desc chosen(
            {prop_kind::forward_inference, any(at_.get_desc().dims()), any(weights), any({units}),
             any({batch_, units})},
            relu ? with_relu() : primitive_attr(), cpu);
        reorder_to(chosen.src_desc());
        memory result(chosen.dst_desc(), cpu);
        steps_.push_back({inner_product_forward(chosen),
                          {{DNNL_ARG_SRC, at_},
                           {DNNL_ARG_WEIGHTS, filled(chosen.weights_desc(), 0.01F)},
                           {DNNL_ARG_BIAS, filled(chosen.bias_desc(), 0.1F)},
                           {DNNL_ARG_DST, result}}});
        at_ = result;
    }

    double run()
    {
        const auto start = std::chrono::steady_clock::now();
        for (Step &step : steps_)
            step.run.execute(flow, step.arguments);
        flow.wait();
        const std::chrono::duration<double, std::milli> taken =
            std::chrono::steady_clock::now() - start;
        return taken.count();
    }

private:
    void reorder_to(const memory::desc &wanted)
    {
        if (wanted == at_.get_desc())
            return;
        memory result(wanted, cpu);
        steps_.push_back({reorder(at_, result), {{DNNL_ARG_FROM, at_}, {DNNL_ARG_TO, result}}});
        at_ = result;
    }

    long batch_;
    memory at_;
    std::vector<Step> steps_;
};

} // namespace

int main(int argc, char **argv)
{
    if (argc != 4 || (std::string(argv[2]) != "A" && std::string(argv[2]) != "B"))
        return 2;
    Net net(std::atol(argv[3]), argv[2][0] == 'A' ? 128 : 32);
    for (long units = 32; units <= 128; units *= 2) {
        net.conv(units);
        net.conv(units);
        net.pool();
    }
    net.dense(512, true);
    net.dense(6, false);
    std::puts("ready");
    std::fflush(stdout);
    unsigned calls;
    while (std::scanf(" run %u", &calls) == 1) {
        std::vector<double> times(calls);
        for (double &time : times)
            time = net.run();
        std::sort(times.begin(), times.end());
        std::printf("%.6f\n", times[calls / 2]);
        std::fflush(stdout);
    }
    return 0;
}
