// A binding of YCSB's core to the Java SDK 1, for scripts/clients/run. YCSB's own DynamoDB binding is not published, so
// this one sends what that one sends: reads with AttributesToGet, updates with AttributeUpdates, whole items as
// strings, scans that go on from the key read first. No measuring: YCSB's client does that.

import com.amazonaws.AmazonClientException;
import com.amazonaws.ClientConfiguration;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDB;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDBClientBuilder;
import com.amazonaws.services.dynamodbv2.model.AttributeDefinition;
import com.amazonaws.services.dynamodbv2.model.AttributeValue;
import com.amazonaws.services.dynamodbv2.model.AttributeValueUpdate;
import com.amazonaws.services.dynamodbv2.model.CreateTableRequest;
import com.amazonaws.services.dynamodbv2.model.DeleteItemRequest;
import com.amazonaws.services.dynamodbv2.model.GetItemRequest;
import com.amazonaws.services.dynamodbv2.model.KeySchemaElement;
import com.amazonaws.services.dynamodbv2.model.ProvisionedThroughput;
import com.amazonaws.services.dynamodbv2.model.PutItemRequest;
import com.amazonaws.services.dynamodbv2.model.ResourceNotFoundException;
import com.amazonaws.services.dynamodbv2.model.ScanRequest;
import com.amazonaws.services.dynamodbv2.model.ScanResult;
import com.amazonaws.services.dynamodbv2.model.UpdateItemRequest;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.Vector;
import site.ycsb.ByteIterator;
import site.ycsb.DB;
import site.ycsb.Status;
import site.ycsb.StringByteIterator;

public class YcsbBinding extends DB {
    private static final String KEY = "id";
    private AmazonDynamoDB client;

    private static AmazonDynamoDB connect() {
        ClientConfiguration once = new ClientConfiguration().withMaxErrorRetry(0).withTcpKeepAlive(true);
        String endpoint = System.getenv("AWS_ENDPOINT_URL_DYNAMODB");
        return AmazonDynamoDBClientBuilder.standard()
            .withEndpointConfiguration(new EndpointConfiguration(endpoint, System.getenv("AWS_REGION")))
            .withClientConfiguration(once)
            .build();
    }

    @Override
    public void init() {
        client = connect();
    }

    @Override
    public void cleanup() {
        client.shutdown();
    }

    private static Map<String, AttributeValue> item(String key, Map<String, ByteIterator> values) {
        Map<String, AttributeValue> item = new HashMap<>();
        values.forEach((name, value) -> item.put(name, new AttributeValue(value.toString())));
        item.put(KEY, new AttributeValue(key));
        return item;
    }

    private static HashMap<String, ByteIterator> values(Map<String, AttributeValue> item) {
        HashMap<String, ByteIterator> values = new HashMap<>();
        item.forEach((name, value) -> values.put(name, new StringByteIterator(value.getS())));
        return values;
    }

    private interface Request {
        Status send();
    }

    private static Status tried(Request request) {
        try {
            return request.send();
        } catch (AmazonClientException error) {
            System.err.println(error);
            return Status.ERROR;
        }
    }

    @Override
    public Status read(String table, String key, Set<String> fields, Map<String, ByteIterator> result) {
        return tried(() -> {
            GetItemRequest get = new GetItemRequest(table, item(key, Map.of())).withAttributesToGet(fields);
            Map<String, AttributeValue> found = client.getItem(get.withConsistentRead(true)).getItem();
            if (found == null) {
                return Status.NOT_FOUND;
            }
            result.putAll(values(found));
            return Status.OK;
        });
    }

    @Override
    public Status scan(String table, String from, int count, Set<String> fields,
            Vector<HashMap<String, ByteIterator>> result) {
        return tried(() -> {
            Map<String, AttributeValue> start = item(from, Map.of());
            Map<String, AttributeValue> first = client.getItem(new GetItemRequest(table, start)).getItem();
            if (first != null) {
                result.add(values(first));
            }
            while (start != null && result.size() < count) {
                ScanRequest scan = new ScanRequest(table).withAttributesToGet(fields)
                    .withExclusiveStartKey(start).withLimit(count - result.size());
                ScanResult page = client.scan(scan);
                page.getItems().forEach(found -> result.add(values(found)));
                start = page.getLastEvaluatedKey();
            }
            return Status.OK;
        });
    }

    @Override
    public Status update(String table, String key, Map<String, ByteIterator> values) {
        return tried(() -> {
            Map<String, AttributeValueUpdate> updates = new HashMap<>();
            values.forEach((name, value) ->
                updates.put(name, new AttributeValueUpdate(new AttributeValue(value.toString()), "PUT")));
            client.updateItem(new UpdateItemRequest(table, item(key, Map.of()), updates));
            return Status.OK;
        });
    }

    @Override
    public Status insert(String table, String key, Map<String, ByteIterator> values) {
        return tried(() -> {
            client.putItem(new PutItemRequest(table, item(key, values)));
            return Status.OK;
        });
    }

    @Override
    public Status delete(String table, String key) {
        return tried(() -> {
            client.deleteItem(new DeleteItemRequest(table, item(key, Map.of())));
            return Status.OK;
        });
    }

    /** Makes the table of YCSB's workloads, or takes it away: with the words create and delete. */
    public static void main(String[] arguments) throws InterruptedException {
        AmazonDynamoDB client = connect();
        if (arguments[0].equals("delete")) {
            client.deleteTable("usertable");
            return;
        }
        client.createTable(new CreateTableRequest()
            .withTableName("usertable")
            .withAttributeDefinitions(new AttributeDefinition(KEY, "S"))
            .withKeySchema(new KeySchemaElement(KEY, "HASH"))
            .withProvisionedThroughput(new ProvisionedThroughput(1000L, 1000L)));
        while (!client.describeTable("usertable").getTable().getTableStatus().equals("ACTIVE")) {
            Thread.sleep(50);
        }
        try {
            client.describeTable("nothing");
            throw new AssertionError("a table that is not there was described");
        } catch (ResourceNotFoundException expected) {
            System.out.println("usertable is active");
        }
    }
}
