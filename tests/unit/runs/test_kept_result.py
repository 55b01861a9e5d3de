"""Reading a result of any version: it always says what the run came to."""

import pytest
from msgspec import structs

from loadlab.results.result import Finding, Kind, Sentence, encode
from loadlab.runs import kept_result
from support.results import result, stage

LIMITED = result(stages=(stage(findings=(Finding("lag", "late"),)),))
NOTE = Sentence(("1",), Kind.NOTE, "late")


def kept(tmp_path, of):
    file = tmp_path / "result.json"
    file.write_bytes(encode(of))
    return file


@pytest.mark.parametrize("text", [(), (NOTE,), (*LIMITED.text, *LIMITED.text)])
def test_a_result_without_a_whole_text_gets_its_text_when_it_is_read(tmp_path, text):
    unmarked = structs.replace(LIMITED.stages[0], client_limited=False)
    earlier = structs.replace(LIMITED, text=text, stages=(unmarked,))
    assert kept_result.read(kept(tmp_path, earlier)) == LIMITED


def test_a_text_that_is_kept_is_shown_as_it_is(tmp_path):
    said = structs.replace(LIMITED, text=(*LIMITED.text, NOTE))
    assert kept_result.read(kept(tmp_path, said)) == said
