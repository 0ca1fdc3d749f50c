// Keeps sections fresh by Socket.IO, else Server-Sent Events, else polling; with htmx or without. ES5.
(function (d, w) {
  'use strict';
  var data = d.documentElement.dataset, base = data.root, query = data.bot ? '?bot=' + data.bot : '?session=' + data.session,
    // milliseconds, each replaced by its data attribute
    time = { hello: 4000, sseWait: 1500, silence: 35000, sseRetry: 15000, poll: 5000, flap: 15000, pause: 60000, retry: 6000, spread: 800 },
    now = Date.now, mode, away, skew, key,
    have = JSON.parse(data.versions || '{}'), want = {}, fetching = {},
    es, esSeen, esNext, esFails = 0, unlock, turn = 0,
    polling, pollNext = 0, offline,
    sock, wsSince, wsNext, short = 0;

  function setMode(name) {
    mode = data.live = name;
  }

  function each(selector, act) {
    [].forEach.call(d.querySelectorAll(selector), act);
  }

  function about(ms) {
    return ms * (0.75 + Math.random() / 2);
  }

  function get(url, type, done) {
    var request = new XMLHttpRequest();
    request.open('GET', url);
    request.responseType = type; // what is not of this type is null
    request.timeout = 15000;
    request.setRequestHeader('HX-Request', 'true');
    request.onloadend = function () {
      done(this.status === 200 && this.response, this.status);
    };
    request.send();
  }

  // Unless begun anew, its animation ends in "Not updating".
  function seen() {
    var pulse = d.getElementById('pulse');
    if (pulse) pulse.parentNode.replaceChild(pulse.cloneNode(true), pulse);
  }

  function hello(message, name) {
    setMode(name);
    if (message.now) skew = message.now - now();
    stale(message.versions, time.spread);
  }

  function stale(versions, spread) {
    seen();
    for (key in versions) {
      delete want[key];
      want[key] = versions[key];
      if (!(key in have)) have[key] = want[key];
    }
    flush(spread);
  }

  function flush(spread) {
    var sections = Object.keys(want).filter(function (section) { return want[section] !== have[section]; });
    if (!d.hidden) sections.forEach(function (section, n) {
      have[section] = want[section];
      // first alone, others spread
      var wait = spread && sections.length > 2 ? Math.random() * spread : n && 40 + Math.random() * n * 18;
      if (wait) setTimeout(refresh, wait, section);
      else refresh(section);
    });
  }

  function refresh(section) {
    var element = d.getElementById(section);
    if (w.htmx) htmx.trigger(d.body, section + ':changed');
    if (!element || 'htmxPowered' in element.dataset || fetching[section]++) return;
    fetching[section] = 1;
    get(element.getAttribute('hx-get'), 'document', function (page, status) {
      var fresh = page && page.getElementById(section), again = fetching[section] > 1;
      fetching[section] = 0;
      if (fresh) {
        element.parentNode.replaceChild(fresh, element);
        if (w.htmx) htmx.process(fresh);
      } else failed(section, status);
      if (again) refresh(section);
    });
  }

  function failed(section, status) {
    var element = d.getElementById(section);
    if (element) element.classList.add('old');
    signIn(status);
    setTimeout(function () {
      have[section] = 0;
      flush();
    }, about(time.retry));
  }

  function htmxFailed(event) {
    var context = event.detail.ctx || {}, section = (context.sourceElement || {}).id;
    if (want[section]) failed(section, (context.response || {}).status);
  }

  // The new page shows the form.
  function signIn(status) {
    if (/40[13]/.test(status) && performance.now() > time.retry) location.reload();
  }

  function sse() {
    if (es || mode === 'ws' || now() < esNext) return;
    es = {};
    watch();
    if (!w.EventSource) sseFailed();
    else if (navigator.locks) slot(1, ++turn);
    else sseOpen();
  }

  // Of six connections a host, four are for streams; other tabs poll.
  function slot(number, mine) {
    navigator.locks.request('live' + number, { ifAvailable: true }, function (lock) {
      if (mine !== turn) return;
      if (lock) return new Promise(function (resolve) {
        unlock = resolve;
        sseOpen();
      });
      if (number < 4) slot(number + 1, mine);
      else sseFailed();
    });
  }

  function sseOpen() {
    es = new EventSource(base + 'events' + query);
    on('hello', function (message) {
      esFails = 0;
      hello(message, 'sse');
    });
    on('stale', stale);
    on('hb', seen);
    es.onerror = function () {
      if (es.readyState > 1) sseFailed(); // 502: the browser gave up
      else if (mode === 'sse') {
        setMode('none');
        watch();
      }
    };
  }

  function on(name, act) {
    es.addEventListener(name, function (event) {
      esSeen = now();
      act(JSON.parse(event.data));
    });
  }

  function watch() {
    esSeen = now();
    setTimeout(tick, time.hello + 9);
  }

  function sseStop() {
    turn++;
    if (es && es.close) es.close();
    if (unlock) unlock();
    es = unlock = null;
    if (mode === 'sse') setMode('none');
  }

  function sseFailed() {
    esNext = now() + (mode === 'sse' ? 1000 : about(time.sseRetry << Math.min(esFails, 4)));
    esFails++;
    pollNext = 0;
    sseStop();
    tick();
  }

  function poll() {
    polling = 1;
    get(base + 'versions' + query, 'json', function (versions, status) {
      polling = 0;
      pollNext = now() + about(time.poll) * (versions ? 1 : 0.3);
      if (mode === 'ws' || mode === 'sse') return;
      if (versions) {
        if (offline) esNext = 0;
        hello({ versions: versions }, 'poll');
      } else {
        setMode('none');
        signIn(status);
      }
      offline = !versions;
    });
  }

  function ws() {
    if (sock || !w.io || !w.WebSocket) return;
    sock = io({
      path: base + 'socket.io', transports: ['websocket'], auth: { fragments: true, bot: data.bot, session: data.session },
      timeout: time.hello, reconnectionDelayMax: time.pause
    });
    sock.on('hello', function (message) {
      wsSince = now();
      hello(message, 'ws');
      sseStop();
    });
    sock.on('stale', stale);
    sock.io.on('ping', seen);
    sock.on('disconnect', wsFailed);
    sock.on('connect_error', wsFailed);
  }

  function wsFailed() {
    if (mode === 'ws') {
      setMode('none');
      short = !away && now() - wsSince < time.flap ? short + 1 : 0;
      if (short > 1) sock.disconnect(); // flapping
    }
    if (sock && !sock.active) wsNext = now() + about(time.pause);
    if (!esFails) esNext = 0;
    tick();
  }

  function tick() {
    if (d.hidden || away) return;
    each('time[data-age]', age);
    if (es && now() - esSeen > (mode === 'sse' ? time.silence : time.hello)) return sseFailed();
    if (sock && !sock.active && now() > wsNext) sock.connect();
    sse();
    if (esFails && mode !== 'ws' && mode !== 'sse' && !polling && now() > pollNext) poll();
  }

  function age(element) {
    var seconds = (now() + skew - Date.parse(element.getAttribute('datetime'))) / 1000, text = 'just now';
    [['s', 1], ['min', 60], ['h', 3600], ['d', 86400]].forEach(function (unit) {
      if (seconds >= unit[1]) text = Math.floor(seconds / unit[1]) + '\u00a0' + unit[0] + ' ago';
    });
    if (element.textContent !== text) element.textContent = text;
  }

  function wake() {
    away = esNext = pollNext = 0;
    if (sock && mode !== 'ws') sock.disconnect().connect();
    flush();
    tick();
  }

  d.addEventListener('visibilitychange', function () {
    if (d.hidden) sseStop();
    else wake();
  });
  w.addEventListener('online', wake);
  w.addEventListener('pagehide', function () {
    away = 1;
    sseStop();
    if (sock) sock.disconnect();
  });
  w.addEventListener('pageshow', function () {
    if (away) wake();
  });
  d.addEventListener('htmx:response:error', htmxFailed);
  d.addEventListener('htmx:error', htmxFailed);

  skew = (Date.parse(data.now) || now()) - now();
  for (key in time) if (data[key]) time[key] = +data[key];
  setMode('none');
  esNext = now() + time.sseWait;
  setTimeout(tick, time.sseWait + 9);
  setInterval(tick, 1000);
  each('meta[name=live-lib]', function (meta) {
    var script = d.createElement('script');
    script.src = meta.content;
    script.integrity = meta.dataset.sri;
    script.crossOrigin = 'anonymous';
    if ('io' in meta.dataset) {
      script.onload = ws;
      script.onerror = wsFailed;
    }
    d.head.appendChild(script);
  });
})(document, window);
