import { describe, expect, test } from 'vitest';
import { createMetrics, createRequestMeter, methodLabel } from './index.js';

const quiet = () => createMetrics({ processMetrics: false });

describe('metrics', () => {
  test('exposes counters with their labels', async () => {
    const metrics = quiet();
    const child = metrics.requests.labels({ transport: 'http', method: 'tools/call', outcome: 'ok' });
    child.inc();
    child.inc(2);
    expect(await metrics.expose()).toContain(
      'mcp_requests_total{transport="http",method="tools/call",outcome="ok"} 3',
    );
  });

  test('exposes cumulative histogram buckets, sum and count', async () => {
    const metrics = quiet();
    const child = metrics.backendResponseTime.labels({ server: 'files' });
    child.observe(0.0005);
    child.observe(0.004);
    child.observe(100);
    const text = await metrics.expose();
    expect(text).toContain('mcp_backend_response_time_seconds_bucket{server="files",le="0.0005"} 1');
    expect(text).toContain('mcp_backend_response_time_seconds_bucket{server="files",le="0.0025"} 1');
    expect(text).toContain('mcp_backend_response_time_seconds_bucket{server="files",le="0.005"} 2');
    expect(text).toContain('mcp_backend_response_time_seconds_bucket{server="files",le="60"} 2');
    expect(text).toContain('mcp_backend_response_time_seconds_bucket{server="files",le="+Inf"} 3');
    expect(text).toContain('mcp_backend_response_time_seconds_sum{server="files"} 100.0045');
    expect(text).toContain('mcp_backend_response_time_seconds_count{server="files"} 3');
  });

  test('reads tracked gauges at scrape time', async () => {
    const metrics = quiet();
    let depth = 1;
    metrics.queueDepth.track({ queue: 'link' }, () => depth);
    depth = 7;
    expect(await metrics.expose()).toContain('mcp_queue_depth{queue="link"} 7');
  });

  test('gives the same child for the same labels', () => {
    const metrics = quiet();
    expect(metrics.connections.labels({ transport: 'http' })).toBe(
      metrics.connections.labels({ transport: 'http' }),
    );
  });

  test('bounds the number of series of a family', async () => {
    const metrics = quiet();
    for (let i = 0; i < 5_000; i += 1) metrics.backendResponseTime.labels({ server: `s${i}` }).observe(1);
    const text = await metrics.expose();
    expect(text.match(/_count\{/g)?.length).toBeLessThanOrEqual(2_001);
    expect(text).toContain('mcp_backend_response_time_seconds_count{server="other"} 3000');
  });

  test('keeps label values from breaking the format', async () => {
    const metrics = quiet();
    metrics.errors.labels({ component: 'edge', code: 'a"\n\\b' }).inc();
    expect(await metrics.expose()).toContain('code="a\\"\\n\\\\b"');
  });

  test('exposes CPU, memory, GC and event-loop lag of the process', async () => {
    const text = await createMetrics().expose();
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_gc_duration_seconds',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      expect(text).toContain(`# TYPE ${name}`);
    }
  });
});

describe('request meter', () => {
  test('counts and times by method and outcome, unknown methods as other', async () => {
    const metrics = quiet();
    const meter = createRequestMeter(metrics, 'http');
    meter.done('tools/call', 'ok', 0.002);
    meter.done('made/up', 'error', 0.2);
    meter.done('also/made-up', 'error', 0.2);
    const text = await metrics.expose();
    expect(text).toContain('mcp_requests_total{transport="http",method="tools/call",outcome="ok"} 1');
    expect(text).toContain('mcp_requests_total{transport="http",method="other",outcome="error"} 2');
    expect(text).toContain('mcp_request_duration_seconds_count{transport="http",method="other"} 2');
    expect(text).not.toContain('made');
  });

  test('labels only what MCP defines', () => {
    expect(methodLabel('tools/list')).toBe('tools/list');
    expect(methodLabel('x'.repeat(100_000))).toBe('other');
  });
});
