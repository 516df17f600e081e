"""The messages of ``io.prometheus.client``, read by the protobuf runtime.

Source: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

_PACKAGE: Final = "io.prometheus.client"
_FIELDS: Final = {
    "LabelPair": "1 name string, 2 value string",
    "Gauge": "1 value double",
    "Counter": "1 value double, 2 exemplar Exemplar, 3 start_timestamp Timestamp",
    "Quantile": "1 quantile double, 2 value double",
    "Summary": "1 sample_count uint64, 2 sample_sum double, 3 quantile *Quantile, 4 start_timestamp Timestamp",
    "Untyped": "1 value double",
    "Histogram": (
        "1 sample_count uint64, 4 sample_count_float double, 2 sample_sum double, 3 bucket *Bucket, "
        "15 start_timestamp Timestamp, 5 schema sint32, 6 zero_threshold double, 7 zero_count uint64, "
        "8 zero_count_float double, 9 negative_span *BucketSpan, 10 negative_delta *sint64, "
        "11 negative_count *double, 12 positive_span *BucketSpan, 13 positive_delta *sint64, "
        "14 positive_count *double, 16 exemplars *Exemplar"
    ),
    "Bucket": "1 cumulative_count uint64, 4 cumulative_count_float double, 2 upper_bound double, 3 exemplar Exemplar",
    "BucketSpan": "1 offset sint32, 2 length uint32",
    "Exemplar": "1 label *LabelPair, 2 value double, 3 timestamp Timestamp",
    "Metric": (
        "1 label *LabelPair, 2 gauge Gauge, 3 counter Counter, 4 summary Summary, 5 untyped Untyped, "
        "7 histogram Histogram, 6 timestamp_ms int64"
    ),
    "MetricFamily": "1 name string, 2 help string, 3 type MetricType, 4 metric *Metric, 5 unit string",
}
_TYPES: Final = ("COUNTER", "GAUGE", "SUMMARY", "UNTYPED", "HISTOGRAM", "GAUGE_HISTOGRAM")


def families(page: bytes) -> list[Any]:
    """Return the delimited messages of a page. Every byte must be of a known field."""
    found: list[Any] = []
    while page:
        size, start = _varint(page)
        message = _family()
        message.ParseFromString(page[start : start + size])
        assert message.SerializeToString() == _without_unknown(message), "unknown fields"
        assert message.ByteSize() == size, "fields in another order or form"
        found.append(message)
        page = page[start + size :]
    return found


def _without_unknown(message: Any) -> bytes:
    copy = _family()
    copy.CopyFrom(message)
    copy.DiscardUnknownFields()
    return bytes(copy.SerializeToString())


def _varint(data: bytes) -> tuple[int, int]:
    number = 0
    for index, byte in enumerate(data):
        number |= (byte & 127) << 7 * index
        if byte < 128:
            return number, index + 1
    raise AssertionError("the page ends in a length")


def _file() -> descriptor_pb2.FileDescriptorProto:
    made = descriptor_pb2.FileDescriptorProto(
        name="metrics.proto", package=_PACKAGE, syntax="proto2", dependency=["google/protobuf/timestamp.proto"]
    )
    kinds = made.enum_type.add(name="MetricType")
    for number, name in enumerate(_TYPES):
        kinds.value.add(name=name, number=number)
    for name, fields in _FIELDS.items():
        message = made.message_type.add(name=name)
        for each in fields.split(", "):
            number_text, field_name, kind = each.split()
            field = message.field.add(name=field_name, number=int(number_text))
            field.label = field.LABEL_REPEATED if kind.startswith("*") else field.LABEL_OPTIONAL
            _set_type(field, kind.removeprefix("*"))
    return made


def _set_type(field: descriptor_pb2.FieldDescriptorProto, kind: str) -> None:
    if kind == "Timestamp":
        field.type, field.type_name = field.TYPE_MESSAGE, ".google.protobuf.Timestamp"
    elif kind == "MetricType":
        field.type, field.type_name = field.TYPE_ENUM, f".{_PACKAGE}.MetricType"
    elif kind[0].isupper():
        field.type, field.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")


def _make() -> Any:
    pool = descriptor_pool.DescriptorPool()
    timestamps = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(timestamps)
    pool.Add(timestamps)
    pool.Add(_file())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.MetricFamily"))


_family: Final = _make()
