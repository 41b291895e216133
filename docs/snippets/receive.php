<?php
// Receive and verify webhooks with PHP. Needs WEBHOOK_SECRET (whsec_…).
// Usage: php -S 127.0.0.1:8000 receive.php

// Whether $body, the raw octets, was signed with $secret within the last five minutes.
function is_genuine(string $secret, string $id, string $timestamp, string $signatures, string $body): bool
{
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > 300) {
        return false;
    }
    $key = base64_decode(substr($secret, strlen('whsec_')));
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    // While a secret is being replaced there are several signatures; one that fits is enough.
    foreach (explode(' ', $signatures) as $signature) {
        if (hash_equals($expected, $signature)) {
            return true;
        }
    }
    return false;
}

$body = file_get_contents('php://input');
$isGenuine = is_genuine(
    getenv('WEBHOOK_SECRET'),
    $_SERVER['HTTP_WEBHOOK_ID'] ?? '',
    $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '',
    $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '',
    $body
);
if ($isGenuine) {
    $event = json_decode($body, true);
    // Remember $event['id']: the same event may come twice. Work later; answer now.
    error_log($event['id'] . ' ' . $event['type']);
    http_response_code(204);
} else {
    http_response_code(401);
}
