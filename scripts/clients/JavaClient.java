// The Java SDK 2 against a running server: the plain client, the asynchronous one, the enhanced one with its beans. Run
// by scripts/clients/run. Where they connect to and as whom, they read from the environment.
// FLYWHEEL_TRANSACTIONS=1 adds transactions.

import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.enhanced.dynamodb.DynamoDbEnhancedClient;
import software.amazon.awssdk.enhanced.dynamodb.DynamoDbTable;
import software.amazon.awssdk.enhanced.dynamodb.Expression;
import software.amazon.awssdk.enhanced.dynamodb.Key;
import software.amazon.awssdk.enhanced.dynamodb.TableSchema;
import software.amazon.awssdk.enhanced.dynamodb.mapper.annotations.DynamoDbAttribute;
import software.amazon.awssdk.enhanced.dynamodb.mapper.annotations.DynamoDbBean;
import software.amazon.awssdk.enhanced.dynamodb.mapper.annotations.DynamoDbPartitionKey;
import software.amazon.awssdk.enhanced.dynamodb.mapper.annotations.DynamoDbSecondaryPartitionKey;
import software.amazon.awssdk.enhanced.dynamodb.mapper.annotations.DynamoDbSecondarySortKey;
import software.amazon.awssdk.enhanced.dynamodb.mapper.annotations.DynamoDbSortKey;
import software.amazon.awssdk.enhanced.dynamodb.extensions.annotations.DynamoDbVersionAttribute;
import software.amazon.awssdk.enhanced.dynamodb.model.BatchGetItemEnhancedRequest;
import software.amazon.awssdk.enhanced.dynamodb.model.BatchWriteItemEnhancedRequest;
import software.amazon.awssdk.enhanced.dynamodb.model.QueryConditional;
import software.amazon.awssdk.enhanced.dynamodb.model.ReadBatch;
import software.amazon.awssdk.enhanced.dynamodb.model.WriteBatch;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;
import software.amazon.awssdk.services.dynamodb.model.ProjectionType;
import software.amazon.awssdk.services.dynamodb.model.ResourceInUseException;
import software.amazon.awssdk.services.dynamodb.model.ResourceNotFoundException;
import software.amazon.awssdk.services.dynamodb.model.ReturnValue;
import software.amazon.awssdk.services.dynamodb.model.ReturnValuesOnConditionCheckFailure;
import software.amazon.awssdk.services.dynamodb.model.TableStatus;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;

public class JavaClient {
    private static final String TABLE = "java-books";
    private static int passed = 0;
    private static int failed = 0;

    @DynamoDbBean
    public static class Book {
        private String author;
        private String title;
        private Integer year;
        private String genre;
        private BigDecimal price;
        private Set<String> words;
        private List<Integer> pages;
        private Map<String, String> notes;
        private byte[] cover;
        private Boolean isSold;
        private Long version;

        @DynamoDbPartitionKey
        public String getAuthor() { return author; }
        public void setAuthor(String author) { this.author = author; }
        @DynamoDbSortKey
        public String getTitle() { return title; }
        public void setTitle(String title) { this.title = title; }
        @DynamoDbAttribute("published")
        @DynamoDbSecondarySortKey(indexNames = {"by-genre", "by-year"})
        public Integer getYear() { return year; }
        public void setYear(Integer year) { this.year = year; }
        @DynamoDbSecondaryPartitionKey(indexNames = "by-genre")
        public String getGenre() { return genre; }
        public void setGenre(String genre) { this.genre = genre; }
        public BigDecimal getPrice() { return price; }
        public void setPrice(BigDecimal price) { this.price = price; }
        public Set<String> getWords() { return words; }
        public void setWords(Set<String> words) { this.words = words; }
        public List<Integer> getPages() { return pages; }
        public void setPages(List<Integer> pages) { this.pages = pages; }
        public Map<String, String> getNotes() { return notes; }
        public void setNotes(Map<String, String> notes) { this.notes = notes; }
        public byte[] getCover() { return cover; }
        public void setCover(byte[] cover) { this.cover = cover; }
        public Boolean getIsSold() { return isSold; }
        public void setIsSold(Boolean isSold) { this.isSold = isSold; }
        @DynamoDbVersionAttribute
        public Long getVersion() { return version; }
        public void setVersion(Long version) { this.version = version; }
    }

    private interface Check {
        void run() throws Exception;
    }

    private static void check(String name, Check check) {
        try {
            check.run();
            passed += 1;
        } catch (Throwable error) {
            failed += 1;
            System.out.println("FAILED " + name);
            error.printStackTrace(System.out);
        }
    }

    private static void same(Object found, Object expected) {
        if (!Objects.equals(found, expected)) {
            throw new AssertionError("found " + found + ", expected " + expected);
        }
    }

    private static <E extends Throwable> E refused(Class<E> kind, Check call) throws Exception {
        try {
            call.run();
        } catch (Throwable error) {
            if (kind.isInstance(error)) {
                return kind.cast(error);
            }
            throw new AssertionError("no " + kind.getSimpleName(), error);
        }
        throw new AssertionError("accepted, where " + kind.getSimpleName() + " is due");
    }

    private static AttributeValue s(String text) {
        return AttributeValue.fromS(text);
    }

    private static AttributeValue n(Object number) {
        return AttributeValue.fromN(number.toString());
    }

    private static Map<String, AttributeValue> key(String author, String title) {
        return Map.of("author", s(author), "title", s(title));
    }

    private static Book book(String author, String title, int year, String genre) {
        Book book = new Book();
        book.setAuthor(author);
        book.setTitle(title);
        book.setYear(year);
        book.setGenre(genre);
        return book;
    }

    public static void main(String[] arguments) {
        // One attempt only: a retry would hide what failed.
        DynamoDbClient client = DynamoDbClient.builder()
            .overrideConfiguration(of -> of.retryStrategy(retries -> retries.maxAttempts(1))).build();
        DynamoDbEnhancedClient enhanced = DynamoDbEnhancedClient.builder().dynamoDbClient(client).build();
        DynamoDbTable<Book> books = enhanced.table(TABLE, TableSchema.fromBean(Book.class));
        // Batches have no conditions, so no versions either.
        DynamoDbEnhancedClient bare = DynamoDbEnhancedClient.builder().dynamoDbClient(client).extensions(List.of()).build();
        DynamoDbTable<Book> shelves = bare.table(TABLE, TableSchema.fromBean(Book.class));
        System.out.println("Java SDK " + software.amazon.awssdk.core.util.VersionInfo.SDK_VERSION
            + ", java " + System.getProperty("java.version"));

        check("tables", () -> {
            books.createTable(request -> request
                .localSecondaryIndices(index -> index.indexName("by-year").projection(p -> p.projectionType(ProjectionType.ALL)))
                .globalSecondaryIndices(index -> index.indexName("by-genre").projection(p -> p.projectionType(ProjectionType.KEYS_ONLY))));
            client.waiter().waitUntilTableExists(request -> request.tableName(TABLE),
                of -> of.backoffStrategyV2(software.amazon.awssdk.retries.api.BackoffStrategy.fixedDelay(Duration.ofMillis(200))));
            var table = client.describeTable(request -> request.tableName(TABLE)).table();
            same(table.tableStatus(), TableStatus.ACTIVE);
            same(table.deletionProtectionEnabled(), false);
            same(table.globalSecondaryIndexes().get(0).indexName(), "by-genre");
            same(client.listTablesPaginator(request -> request.limit(1)).tableNames().stream().filter(TABLE::equals).count(), 1L);
            refused(ResourceInUseException.class, () -> books.createTable());
            client.tagResource(request -> request.resourceArn(table.tableArn()).tags(tag -> tag.key("owner").value("clients")));
            same(client.listTagsOfResource(request -> request.resourceArn(table.tableArn())).tags().get(0).value(), "clients");
            client.untagResource(request -> request.resourceArn(table.tableArn()).tagKeys("owner"));
            client.updateTimeToLive(request -> request.tableName(TABLE)
                .timeToLiveSpecification(of -> of.enabled(true).attributeName("ends")));
            same(client.describeTimeToLive(request -> request.tableName(TABLE)).timeToLiveDescription().attributeName(), "ends");
        });

        check("every type", () -> {
            var item = new java.util.HashMap<String, AttributeValue>(key("types", "1"));
            item.put("n", n("-12345678901234567890.123456789"));
            item.put("b", AttributeValue.fromB(SdkBytes.fromByteArray(new byte[] {0, 1, -1, -128})));
            item.put("t", AttributeValue.fromBool(false));
            item.put("z", AttributeValue.fromNul(true));
            item.put("l", AttributeValue.fromL(List.of(s(""), AttributeValue.fromL(List.of()), n(1))));
            item.put("m", AttributeValue.fromM(Map.of("x", AttributeValue.fromM(Map.of("y.z", s("\u00e4\ud83d\ude00"))))));
            item.put("ss", AttributeValue.fromSs(List.of("one")));
            item.put("ns", AttributeValue.fromNs(List.of("1.5")));
            item.put("bs", AttributeValue.fromBs(List.of(SdkBytes.fromUtf8String("bytes"))));
            client.putItem(request -> request.tableName(TABLE).item(item));
            var got = client.getItem(request -> request.tableName(TABLE).key(key("types", "1")).consistentRead(true));
            same(got.item(), item);
            same(client.getItem(request -> request.tableName(TABLE).key(key("types", "none"))).hasItem(), false);
        });

        check("conditions", () -> {
            var failure = refused(ConditionalCheckFailedException.class, () -> client.putItem(request -> request.tableName(TABLE)
                .item(key("types", "1")).conditionExpression("attribute_not_exists(author)")
                .returnValuesOnConditionCheckFailure(ReturnValuesOnConditionCheckFailure.ALL_OLD)));
            same(failure.item().get("t"), AttributeValue.fromBool(false));
            same(failure.awsErrorDetails().errorCode(), "ConditionalCheckFailedException");
            var updated = client.updateItem(request -> request.tableName(TABLE).key(key("types", "1"))
                .updateExpression("SET l[0] = :s ADD ns :more REMOVE b").conditionExpression("contains(ss, :one)")
                .expressionAttributeValues(Map.of(":s", s("first"), ":more", AttributeValue.fromNs(List.of("2")), ":one", s("one")))
                .returnValues(ReturnValue.ALL_NEW)).attributes();
            same(updated.get("l").l().get(0), s("first"));
            same(new HashSet<>(updated.get("ns").ns()), Set.of("1.5", "2"));
            same(updated.containsKey("b"), false);
            same(client.deleteItem(request -> request.tableName(TABLE).key(key("types", "1"))
                .returnValues(ReturnValue.ALL_OLD)).attributes(), updated);
        });

        check("beans with versions", () -> {
            Book book = book("Ada", "Notes", 1843, "science");
            book.setPrice(new BigDecimal("12.50"));
            book.setWords(Set.of("engine", "number"));
            book.setPages(List.of(1, 2, 3));
            book.setNotes(Map.of("a", "b"));
            book.setCover(new byte[] {1, 2, 3});
            book.setIsSold(false);
            books.putItem(book);
            Book found = books.getItem(Key.builder().partitionValue("Ada").sortValue("Notes").build());
            same(found.getPrice().compareTo(book.getPrice()), 0);
            same(List.of(found.getWords(), found.getPages(), found.getNotes(), found.getIsSold()),
                List.of(book.getWords(), book.getPages(), book.getNotes(), false));
            same(java.util.Arrays.equals(found.getCover(), book.getCover()), true);
            found.setPages(null);
            Book updated = books.updateItem(found);
            same(updated.getVersion(), found.getVersion() + 1);
            refused(ConditionalCheckFailedException.class, () -> books.updateItem(found));
            books.deleteItem(updated);
        });

        check("batches, queries and scans", () -> {
            for (int first = 0; first < 75; first += 25) {
                WriteBatch.Builder<Book> batch = WriteBatch.builder(Book.class).mappedTableResource(shelves);
                for (int at = first; at < first + 25; at += 1) {
                    batch.addPutItem(book("author " + at % 3, "title " + (100 + at), 1900 + at, at % 2 == 0 ? "even" : "odd"));
                }
                var left = bare.batchWriteItem(BatchWriteItemEnhancedRequest.builder().writeBatches(batch.build()).build());
                same(left.unprocessedPutItemsForTable(shelves), List.of());
            }
            ReadBatch.Builder<Book> wanted = ReadBatch.builder(Book.class).mappedTableResource(shelves);
            for (int at = 0; at < 90; at += 1) {
                wanted.addGetItem(Key.builder().partitionValue("author " + at % 3).sortValue("title " + (100 + at)).build());
            }
            var read = bare.batchGetItem(BatchGetItemEnhancedRequest.builder().readBatches(wanted.build()).build());
            same(read.resultsForTable(shelves).stream().count(), 75L);
            var mine = QueryConditional.keyEqualTo(Key.builder().partitionValue("author 1").build());
            same(books.query(request -> request.queryConditional(mine).limit(4)).items().stream().map(Book::getTitle).toList(),
                java.util.stream.IntStream.range(0, 25).mapToObj(at -> "title " + (101 + 3 * at)).toList());
            var some = QueryConditional.sortBeginsWith(Key.builder().partitionValue("author 1").sortValue("title 11").build());
            same(books.query(some).items().stream().count(), 4L);
            var filter = Expression.builder().expression("published > :y").putExpressionValue(":y", n(1950)).build();
            same(books.query(request -> request.queryConditional(mine).filterExpression(filter).limit(3)).items().stream().count(), 8L);
            var late = QueryConditional.sortGreaterThan(Key.builder().partitionValue("author 1").sortValue(1960).build());
            var years = new ArrayList<Integer>();
            books.index("by-year").query(request -> request.queryConditional(late).scanIndexForward(false).consistentRead(true))
                .forEach(page -> page.items().forEach(item -> years.add(item.getYear())));
            same(years, List.of(1973, 1970, 1967, 1964, 1961));
            var even = QueryConditional.keyEqualTo(Key.builder().partitionValue("even").build());
            long found = 0;
            for (int tries = 0; tries < 200 && found != 38; tries += 1) {
                Thread.sleep(50);
                found = books.index("by-genre").query(request -> request.queryConditional(even).limit(10)).stream()
                    .mapToLong(page -> page.items().size()).sum();
            }
            same(found, 38L);
            same(books.scan(request -> request.limit(7)).items().stream().map(Book::getTitle).distinct().count(), 75L);
            long together = 0;
            for (int segment = 0; segment < 3; segment += 1) {
                int number = segment;
                together += client.scanPaginator(request -> request.tableName(TABLE).segment(number).totalSegments(3).limit(5)).items().stream().count();
            }
            same(together, 75L);
        });

        check("many at once, asynchronously", () -> {
            try (DynamoDbAsyncClient many = DynamoDbAsyncClient.create()) {
                List<CompletableFuture<?>> updates = new ArrayList<>();
                for (int at = 0; at < 200; at += 1) {
                    updates.add(many.updateItem(request -> request.tableName(TABLE).key(key("counter", "1"))
                        .updateExpression("ADD hits :one").expressionAttributeValues(Map.of(":one", n(1)))));
                }
                CompletableFuture.allOf(updates.toArray(new CompletableFuture[0])).join();
                var got = many.getItem(request -> request.tableName(TABLE).key(key("counter", "1")).consistentRead(true)).join();
                same(got.item().get("hits"), n(200));
            }
        });

        check("errors", () -> {
            refused(ResourceNotFoundException.class, () -> client.describeTable(request -> request.tableName("java-nothing")));
            var error = refused(DynamoDbException.class, () -> client.getItem(request -> request.tableName(TABLE).key(Map.of("author", s("a")))));
            same(error.awsErrorDetails().errorCode(), "ValidationException");
            same(error.statusCode(), 400);
            same(error.requestId().length(), 52);
        });

        // When the server has them.
        if ("1".equals(System.getenv("FLYWHEEL_TRANSACTIONS"))) {
            check("transactions", () -> {
                Book one = book("tx", "one", 1, "tx");
                enhanced.transactWriteItems(request -> request.addPutItem(books, one));
                same(enhanced.transactGetItems(request -> request.addGetItem(books, one)).get(0).getItem(books).getYear(), 1);
                var cancelled = refused(TransactionCanceledException.class, () -> client.transactWriteItems(request -> request.transactItems(
                    item -> item.delete(of -> of.tableName(TABLE).key(key("tx", "one")).conditionExpression("attribute_not_exists(author)")))));
                same(cancelled.cancellationReasons().get(0).code(), "ConditionalCheckFailed");
            });
        }

        check("the table goes", () -> {
            same(client.deleteTable(request -> request.tableName(TABLE)).tableDescription().tableStatus(), TableStatus.DELETING);
            client.waiter().waitUntilTableNotExists(request -> request.tableName(TABLE),
                of -> of.backoffStrategyV2(software.amazon.awssdk.retries.api.BackoffStrategy.fixedDelay(Duration.ofMillis(200))));
        });
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }
}
