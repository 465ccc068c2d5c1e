"""
Stand-ins that tests and tools share. What can be real is real: the sandbox, and the S3 server of ``dev.stack``.

* ``sockets``: :class:`SocketServer` hands each connection to a function; :class:`ScriptedServer` gives answers in
  turn and keeps the requests; ``answer()`` writes an answer, ``read_request()`` reads a request.
* ``http_proxy``: an HTTP proxy that keeps what it was asked for.
* ``s3_relay``: a relay before an S3 server that loses requests or answers, refuses, or ignores conditions.
* ``s3_events``: refusals and answers in place of the S3 server, and a list of the requests that leave a boto3 client.
* ``task_context``: :class:`TaskInstance`, as much of a running one as the operators use.
* ``variables``: Airflow's Variables in memory, with what can fail about them.
* ``supervisor``: the process that gives a task Airflow's Variables, for Airflow's own code; over texts of a test.
* ``stored_texts``: texts by name in a folder, each written whole or not at all, so that they outlive a kill.
* ``statsd_receiver``, ``otlp_receiver``: what a StatsD server or an OpenTelemetry collector would receive.
* ``smtp_server``: a mail server that keeps what it is sent.
* ``waiting``: ``wait_until()`` waits for a condition, in place of a sleep of fixed length.
* ``held_clock``: a clock for the sandbox that can be held; ``query_clock``: one that moves with queries alone.
* ``commands``: ``run_module()`` runs a module of this checkout as a command.

Nothing here imports another folder of ``dev``.
"""
