from __future__ import annotations

from tinypics.aws import answers
from tinypics.delivery.request import Skip
from tinypics.errors import CorruptImage, StoreUnavailable

SUBJECT = {"source_bucket": "original-pics", "source_key": "a.jpg"}
OK: answers.Answer = {"status": "SUCCESS", "source_key": "a.jpg"}
BAD = answers.failure(SUBJECT, CorruptImage("cut short"))


def test_a_permanent_failure_is_final_and_a_transient_one_is_not() -> None:
    assert BAD == {"status": "FAILED", "error": "CorruptImage", "message": "cut short", **SUBJECT}
    assert answers.failure(SUBJECT, StoreUnavailable("slow"))["status"] == "RETRY"


def test_a_skipped_event_is_a_success_that_says_why() -> None:
    assert answers.skip(SUBJECT, Skip("a folder marker")) == {
        "status": "SUCCESS",
        "skipped": True,
        "reason": "a folder marker",
        **SUBJECT,
    }


def test_one_record_answers_for_itself() -> None:
    assert answers.combine([OK]) is OK


def test_several_records_fail_together_with_the_first_error_and_keep_each_answer() -> None:
    assert answers.combine([OK, OK]) == {"status": "SUCCESS", "records": [OK, OK]}
    both = answers.combine([OK, BAD])
    assert (both["status"], both["error"], both["message"]) == ("FAILED", "CorruptImage", "cut short")
    assert both["records"] == [OK, BAD]


def test_no_records_is_nothing_to_do() -> None:
    assert answers.combine([])["skipped"] is True


def test_a_batch_names_only_the_messages_that_shall_come_again() -> None:
    assert answers.batch([]) == {"batchItemFailures": []}
    assert answers.batch(["m1"]) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
