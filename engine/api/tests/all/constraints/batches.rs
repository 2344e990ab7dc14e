//! Members of batches and transactions.

use flywheel_api::*;
use flywheel_item::Wording::{Current, Former};

use super::*;
use crate::support::{fault, with};

#[test]
fn batches_of_gets() {
    let at_least = |path: &str| {
        count(&[&format!(
            "Value at '{path}' failed to satisfy constraint: Member must have length greater than or equal to 1"
        )])
    };
    let say = |body: &str| fault::<BatchGetItemRequest>(body, Current);
    assert_eq!(say("{}"), count(&[&null("requestItems")]));
    assert_eq!(say(r#"{"RequestItems":{}}"#), at_least("RequestItems"));
    let none = r#"{"RequestItems":{"abc":{"Keys":[]}},"ReturnConsumedCapacity":"X"}"#;
    assert_eq!(say(none), at_least("RequestItems.abc.member.Keys"));
    let keys = vec![r#"{"a":{"S":"x"}}"#; 101].join(",");
    assert_eq!(
        say(&format!(r#"{{"RequestItems":{{"abc":{{"Keys":[{keys}]}}}}}}"#)),
        count(&[
            "Value at 'RequestItems.abc.member.Keys' failed to satisfy constraint: Member must have length less than or equal to 100"
        ])
    );
    let echo = r#"{"ab":{"Keys":[{"a":{"S":"x"}}]}}"#;
    let names = format!(
        "Value '{echo}' at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]"
    );
    let body = format!(r#"{{"RequestItems":{echo},"ReturnConsumedCapacity":"X"}}"#);
    assert_eq!(say(&body), count(&[&names, CAPACITY]));
    assert_eq!(fault::<BatchGetItemRequest>(&body, Former), count(&[CAPACITY, &names]));
}

#[test]
fn batches_of_writes() {
    let say = |body: &str| fault::<BatchWriteItemRequest>(body, Current);
    assert_eq!(
        say(r#"{"RequestItems":{}}"#),
        "The requestItems parameter is required for BatchWriteItem"
    );
    let sizes = "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]";
    let none =
        format!("Value '{{abc=[]}}' at 'requestItems' failed to satisfy constraint: {sizes}");
    assert_eq!(
        say(
            r#"{"RequestItems":{"abc":[]},"ReturnConsumedCapacity":"X","ReturnItemCollectionMetrics":"X"}"#
        ),
        count(&[&none, CAPACITY, METRICS])
    );
    let write = r#"{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}}"#;
    let echo = "WriteRequest(putRequest=null, deleteRequest=DeleteRequest(key={pk=AttributeValue(s=a, n=null, b=null, iNT=null, dECIMAL=null, dOUBLE=null, sS=null, nS=null, bS=null, iNTSET=null, dECIMALSET=null, dOUBLESET=null, m=null, l=null, nULL=null, bOOL=null)}, workloadProfileName=null))";
    let many = format!(r#"{{"RequestItems":{{"abc":[{}]}}}}"#, vec![write; 26].join(","));
    let echoes = vec![echo; 26].join(", ");
    assert_eq!(
        say(&many),
        count(&[&format!(
            "Value '{{abc=[{echoes}]}}' at 'requestItems' failed to satisfy constraint: {sizes}"
        )])
    );
    assert_eq!(
        say(r#"{"RequestItems":{"abc":[{"PutRequest":{}}]}}"#),
        count(&[&null("requestItems.abc.member.1.member.putRequest.item")])
    );
}

#[test]
fn what_errors_repeat_is_bounded() {
    let value = "x".repeat(40_000);
    let write = format!(r#"{{"PutRequest":{{"Item":{{"pk":{{"S":"{value}"}}}}}}}}"#);
    let writes = vec![write.as_str(); 100].join(",");
    let said = fault::<BatchWriteItemRequest>(
        &format!(r#"{{"RequestItems":{{"abc":[{writes}]}}}}"#),
        Current,
    );
    assert!(said.len() <= limits::MAX_ECHO_BYTES + 1000, "{}", said.len());
    assert!(said.contains("...' at 'requestItems'"));
}

#[test]
fn transactions_of_gets() {
    let say = |body: &str| fault::<TransactGetItemsRequest>(body, Current);
    assert_eq!(say("{}"), count(&[&null("transactItems")]));
    assert_eq!(
        say(r#"{"TransactItems":[],"ReturnConsumedCapacity":"X"}"#),
        count(&[
            "Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"
        ])
    );
    let get = r#"{"Get":{"TableName":"abc","Key":{}}}"#;
    let many = format!(r#"{{"TransactItems":[{}]}}"#, vec![get; 101].join(","));
    assert!(say(&many).ends_with("at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100"));
    assert!(say(&many).contains("[TransactGetItem(get=Get(key={}, tableName=abc, projectionExpression=null, expressionAttributeNames=null, workloadProfileName=null)), "));
    assert_eq!(
        say(&format!(r#"{{"TransactItems":[{get},{{}}],"ReturnConsumedCapacity":"X"}}"#)),
        count(&[&null("transactItems.2.member.get"), CAPACITY])
    );
    let path = "transactItems.2.member.get.tableName";
    assert_eq!(
        say(&format!(r#"{{"TransactItems":[{get},{{"Get":{{"TableName":"a!","Key":{{}}}}}}]}}"#)),
        count(&[&short(path, "a!"), &pattern(path, "a!")])
    );
}

#[test]
fn transactions_of_writes() {
    let say = |items: &str, extra: &str| {
        let body = with(&format!(r#"{{"TransactItems":{items}}}"#), extra);
        fault::<TransactWriteItemsRequest>(&body, Current)
    };
    let put = r#"{"Put":{"TableName":"abc","Item":{},"ReturnValuesOnConditionCheckFailure":"X"}}"#;
    let token = "t".repeat(37);
    let long = format!(
        "Value '{token}' at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36"
    );
    let words = format!(
        r#"{{"ClientRequestToken":"{token}","ReturnConsumedCapacity":"X","ReturnItemCollectionMetrics":"X"}}"#
    );
    let on_failure = enumerated(
        "X",
        "transactItems.1.member.put.returnValuesOnConditionCheckFailure",
        "ALL_OLD, NONE",
    );
    assert_eq!(
        say(&format!("[{put},{{}}]"), &words),
        count(&[&on_failure, &long, CAPACITY, METRICS])
    );
    assert_eq!(
        say("[{}]", "{}"),
        "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"
    );
    let delete = r#""Delete":{"TableName":"a!","Key":{}}"#;
    let check = r#""ConditionCheck":{"TableName":"abc","Key":{},"ConditionExpression":"c"}"#;
    assert_eq!(
        say(&format!("[{{{delete},{check}}}]"), "{}"),
        "TransactItems can only contain one of Check, Put, Update or Delete"
    );
    let path = "transactItems.2.member.delete.tableName";
    assert_eq!(
        say(&format!("[{{{check}}},{{{delete}}}]"), "{}"),
        count(&[&short(path, "a!"), &pattern(path, "a!")])
    );
    assert_eq!(
        say(r#"[{"Update":{}}]"#, "{}"),
        count(&[
            &null("transactItems.1.member.update.key"),
            &null("transactItems.1.member.update.updateExpression"),
            &null("transactItems.1.member.update.tableName"),
        ])
    );
}
