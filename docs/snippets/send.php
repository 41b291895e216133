<?php
// Send one message with PHP, without extensions.
// Needs ESTAFETTE_URL (https://sms.example.com) and ESTAFETTE_KEY (est_live_…).
// Usage: php send.php +33612345678 "Your order is on its way"

// A repeat with the same key and text sends nothing, so retries are safe.
function send_message(string $to, string $text, string $idempotencyKey): array
{
    for ($attempt = 0; ; $attempt++) {
        $http_response_header = null;
        $body = @file_get_contents(getenv('ESTAFETTE_URL') . '/v1/messages', false, stream_context_create(['http' => [
            'method' => 'POST',
            'header' => [
                'Authorization: Bearer ' . getenv('ESTAFETTE_KEY'),
                'Content-Type: application/json',
                'Idempotency-Key: ' . $idempotencyKey,
            ],
            'content' => json_encode(['to' => $to, 'text' => $text]),
            'ignore_errors' => true, // an answer that is no success has a body too
            'timeout' => 15,
        ]]));
        $status = (int) (explode(' ', $http_response_header[0] ?? '')[1] ?? 0);
        if ($status === 202) {
            return json_decode($body, true);
        }
        $problem = json_decode((string) $body, true);
        $isPassing = $status === 0 || $status === 503 || ($problem['code'] ?? '') === 'idempotency_key_in_use';
        if (!$isPassing || $attempt === 3) {
            throw new RuntimeException($problem ? "{$problem['code']}: {$problem['detail']}" : 'no answer');
        }
        sleep(2);
    }
}

try {
    $message = send_message($argv[1], $argv[2], getenv('IDEMPOTENCY_KEY') ?: bin2hex(random_bytes(16)));
    echo $message['id'], ' ', $message['state'], "\n";
} catch (RuntimeException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
