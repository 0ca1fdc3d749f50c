// ES5
(function (d, w) {
  var data = d.documentElement.dataset, base = data.root, query = '?' + data.query,
    time = { hello: 4000, sseWait: 1500, silence: 12000, sseRetry: 15000, poll: 5000, pause: 60000, retry: 6000 },
    now = Date.now, key, mode, away, gone, cut, skew, heard = now(),
    shown = JSON.parse(data.versions || '{}'), announced = {}, newest = '',
    seen = {}, fetching, fetched = 0, due = Infinity, timer,
    es, esSeen, esNext, esFails = 0, unlock, turn = 0,
    pollNext = 0,
    sock, wsNext,
    sight = w.IntersectionObserver && new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        seen[entry.target.id] = entry.isIntersecting || !entry.boundingClientRect.height;
      });
      later(fetched + 1000 - now());
    });

  function setMode(name) {
    mode = data.live = gone || name;
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
    request.setRequestHeader('HX-Request', 'true');
    request.responseType = type;
    request.timeout = 15000;
    request.onloadend = function () {
      done(request.status, request.response);
    };
    request.send();
  }

  function hear() {
    heard = now();
    if (cut) later();
    cut = 0;
    delete data.silent;
  }

  function hello(message, name) {
    setMode(name);
    skew = message.now ? message.now - now() : skew;
    stale(message.versions);
  }

  function stale(signal) {
    var gap = signal.gap && (navigator.connection || {}).saveData ? 10000 : signal.gap;
    hear();
    for (key in signal) if (typeof signal[key] === 'string') {
      newest = signal[key];
      if ((shown[key] || newest).indexOf(newest) < 0) announced[key] = newest;
    }
    later(gap && fetched + gap - now(), signal.spread);
  }

  function later(ms, spread) {
    due = Math.min(due, now() + Math.max(ms || 0, 0) + Math.random() * (spread || 0));
    clearTimeout(timer);
    timer = setTimeout(refresh, due - now());
  }

  function refresh() {
    if (fetching || away || cut) return;
    var asked = {}, have, url, names = Object.keys(shown).filter(function (name) {
      return d.querySelector('#' + name + (announced[name] ? '' : '.old')) && (!sight || seen[name]);
    });
    due = Infinity;
    if (!names.length) return;
    have = names.map(function (name) {
      asked[name] = announced[name];
      return d.getElementById(name).dataset.hash || '';
    });
    url = base + 'partials' + query + owns() + '&names=' + names + '&have=' + have + '&at=' + newest;
    fetching = 1;
    fetched = now();
    if (w.htmx) {
      htmx.ajax('GET', url, { asked: asked, swap: 'none', selectOOB: '#' + names.join(':outerMorph,#') + ':outerMorph' });
    } else get(url, 'text', function (status, html) {
      if (status === 200) replace(html);
      answered(asked, status, html);
    });
  }

  function owns() {
    var own = '';
    each('[data-own]', function (section) {
      own += section.dataset.own;
    });
    return own;
  }

  function replace(html) {
    var box = d.createElement('div');
    box.innerHTML = html;
    [].slice.call(box.children).forEach(function (fresh) {
      var old = d.getElementById(fresh.id);
      if (old) old.replaceWith(fresh);
    });
  }

  function answered(asked, status, text) {
    var ok = status === 204 || (status === 200 && /data-/.test(text));
    for (key in asked) {
      if (ok && text.indexOf('later="' + key + '"') < 0) {
        shown[key] = [asked[key]].concat(shown[key]).slice(0, 9);
        if (announced[key] === asked[key]) announced[key] = 0;
      } else {
        each('#' + key, function (section) {
          section.classList.add('old');
          section.dataset.hash = '';
        });
        if (ok) later();
      }
    }
    if (!ok) refused(status, text);
    if (d.querySelector('.old')) later(about(time.retry));
    idle();
  }

  function idle() {
    fetching = 0;
    each('[data-icon]', function (section) {
      d.title = section.dataset.title + data.of;
      d.querySelector('[rel=icon]').href = section.dataset.icon;
    });
    if (sight) each('[data-hash]', function (section) {
      sight.observe(section);
    });
    if (due < Infinity) later(due - now());
  }

  function refused(status, text) {
    if (status === 404 && !gone && /(unknown|no)_session/.test(text)) {
      gone = 'gone';
      w.gone.outerHTML = w.gone.text;
      sleep();
      setMode();
    } else if ((/40[13]/.test(status) || /unknown_section/.test(text)) && performance.now() > time.retry) {
      location.reload();
    }
  }

  function sse() {
    if (es || mode === 'ws' || now() < esNext) return;
    es = {};
    watch();
    if (!w.EventSource) sseFailed();
    else if (navigator.locks) slot(1, ++turn);
    else sseOpen();
  }

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
    on('hb', hear);
    es.onerror = function () {
      if (es.readyState > 1) sseFailed();
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
    pollNext = Infinity;
    get(base + 'versions' + query, 'json', function (status, answer) {
      var versions = status === 200 && answer;
      pollNext = now() + about(time.poll) * (versions ? 1 : 0.3);
      if (mode === 'ws' || mode === 'sse' || away) return;
      if (versions) return hello({ versions: versions }, 'poll');
      setMode('none');
      refused(status, JSON.stringify(answer));
    });
  }

  function ws() {
    if (sock || !w.io || !w.WebSocket) return;
    sock = io({
      path: base + 'socket.io', transports: ['websocket'], auth: { fragments: true, bot: data.bot, session: data.session },
      timeout: time.hello, reconnectionDelayMax: time.pause, autoConnect: !away
    });
    sock.on('hello', function (message) {
      hello(message, 'ws');
      sseStop();
    });
    sock.on('stale', stale);
    sock.io.on('ping', hear);
    sock.on('disconnect', wsFailed);
    sock.on('connect_error', wsFailed);
  }

  function wsFailed() {
    if (mode === 'ws') setMode('none');
    if (sock && !sock.active) wsNext = now() + about(time.pause);
    if (!esFails) esNext = 0;
    tick();
  }

  function tick() {
    if (away) return;
    each('[data-age]', function (element) {
      var words = span(Date.parse(element.dateTime) - skew, '', element.dataset.age) || 'just now';
      if (element.textContent !== words) element.textContent = words;
    });
    if (cut || now() - heard > time.silence) d.getElementById('silent').textContent = data.silent = span(heard, ' for ', '');
    if (es && now() - esSeen > (mode === 'sse' ? time.silence : time.hello)) return sseFailed();
    if (sock && !sock.active && now() > wsNext) sock.connect();
    sse();
    if (esFails && mode !== 'ws' && mode !== 'sse' && now() > pollNext) poll();
  }

  function span(moment, before, after) {
    var seconds = (now() - moment) / 1000, text = '';
    [['s', 1], ['min', 60], ['h', 3600], ['d', 86400]].forEach(function (unit) {
      if (seconds >= unit[1]) text = before + Math.floor(seconds / unit[1]) + '\u00a0' + unit[0] + after;
    });
    return text;
  }

  function sleep() {
    away = 1;
    sseStop();
    if (sock) sock.disconnect();
  }

  function wake() {
    if (d.hidden || gone) return;
    away = esNext = pollNext = 0;
    if (sock && (cut || mode !== 'ws')) sock.disconnect().connect();
    later();
    tick();
  }

  w.addEventListener('htmx:finally:request', function (event) {
    var ctx = event.detail.ctx;
    answered(ctx.asked, ctx.status === 'swapped' && ctx.response.status, ctx.text);
  });
  d.addEventListener('visibilitychange', function () {
    d.hidden ? sleep() : wake();
  });
  w.addEventListener('pointermove', function (event) {
    var section = (d.elementFromPoint(event.clientX, event.clientY) || d.body).closest('.readings label');
    if (section && event.pointerType > 'mouse') section.control.checked = true;
  });
  w.addEventListener('offline', function () {
    cut = 1;
    tick();
  });
  w.addEventListener('online', wake);
  w.addEventListener('pagehide', sleep);
  w.addEventListener('pageshow', function () {
    if (away) wake();
  });

  away = d.hidden;
  skew = (Date.parse(data.now) || now()) - now();
  for (key in shown) shown[key] = [shown[key]];
  for (key in time) if (data[key]) time[key] = +data[key];
  setMode('none');
  idle();
  esNext = now() + time.sseWait;
  setTimeout(tick, time.sseWait + 9);
  setInterval(tick, 1000);
  each('meta[name=live-lib]', function (meta) {
    var script = d.createElement('script');
    script.src = meta.content;
    script.integrity = meta.dataset.sri;
    script.crossOrigin = '';
    if ('io' in meta.dataset) {
      script.onload = ws;
      script.onerror = wsFailed;
    }
    d.head.appendChild(script);
  });
})(document, window);
