-- The tables of the trading engine, as its ORM makes them: only for an empty database (demo, tests).
-- All timestamps are naive UTC; enum-like columns are varchar; the engine sets defaults itself, so there are none here.

CREATE TABLE trading_sessions (
    id serial PRIMARY KEY,
    session_name varchar(100),
    start_time timestamp NOT NULL,
    end_time timestamp,
    is_active boolean,
    mode varchar(8) NOT NULL,
    initial_balance numeric(18, 8) NOT NULL,
    final_balance numeric(18, 8),
    strategy_name varchar(100) NOT NULL,
    strategy_config jsonb,
    symbol varchar(20) NOT NULL,
    timeframe varchar(10) NOT NULL,
    exchange varchar(50),
    time_exit_config jsonb,
    market_timezone varchar(50),
    total_pnl numeric(18, 8),
    total_trades integer,
    win_rate numeric(18, 8),
    max_drawdown numeric(18, 8),
    created_at timestamp,
    updated_at timestamp
);
CREATE INDEX ix_trading_sessions_start_time ON trading_sessions (start_time);

CREATE TABLE positions (
    id serial PRIMARY KEY,
    symbol varchar(20) NOT NULL,
    side varchar(5) NOT NULL,
    status varchar(6) NOT NULL,
    entry_price numeric(18, 8) NOT NULL,
    size numeric(18, 8) NOT NULL,
    quantity numeric(18, 8),
    entry_balance numeric(18, 8),
    original_size numeric(18, 8),
    current_size numeric(18, 8),
    partial_exits_taken integer,
    scale_ins_taken integer,
    last_partial_exit_price numeric(18, 8),
    last_scale_in_price numeric(18, 8),
    stop_loss numeric(18, 8),
    take_profit numeric(18, 8),
    trailing_stop boolean,
    trailing_stop_activated boolean,
    trailing_stop_price numeric(18, 8),
    breakeven_triggered boolean,
    entry_time timestamp NOT NULL,
    last_update timestamp,
    current_price numeric(18, 8),
    unrealized_pnl numeric(18, 8),
    unrealized_pnl_percent numeric(18, 8),
    mfe numeric(18, 8),
    mae numeric(18, 8),
    mfe_price numeric(18, 8),
    mae_price numeric(18, 8),
    mfe_time timestamp,
    mae_time timestamp,
    strategy_name varchar(100) NOT NULL,
    confidence_score numeric(18, 8),
    exchange varchar(50),
    entry_order_id varchar(100),
    stop_loss_order_id varchar(100),
    client_order_id varchar(100),
    session_id integer REFERENCES trading_sessions (id),
    created_at timestamp,
    updated_at timestamp,
    max_holding_until timestamp,
    end_of_day_exit boolean,
    weekend_exit boolean,
    time_restriction_group varchar(50)
);
CREATE INDEX ix_positions_entry_time ON positions (entry_time);
CREATE INDEX ix_positions_symbol ON positions (symbol);

CREATE TABLE trades (
    id serial PRIMARY KEY,
    symbol varchar(20) NOT NULL,
    side varchar(5) NOT NULL,
    source varchar(8) NOT NULL,
    entry_price numeric(18, 8) NOT NULL,
    exit_price numeric(18, 8) NOT NULL,
    size numeric(18, 8) NOT NULL,
    quantity numeric(18, 8),
    entry_time timestamp NOT NULL,
    exit_time timestamp NOT NULL,
    pnl numeric(18, 8) NOT NULL,
    pnl_percent numeric(18, 8) NOT NULL,
    commission numeric(18, 8),
    margin_interest_cost numeric(18, 8),
    stop_loss numeric(18, 8),
    take_profit numeric(18, 8),
    exit_reason varchar(100),
    strategy_name varchar(100) NOT NULL,
    strategy_config jsonb,
    confidence_score numeric(18, 8),
    order_id varchar(100),
    exchange varchar(50),
    timeframe varchar(10),
    mfe numeric(18, 8),
    mae numeric(18, 8),
    mfe_price numeric(18, 8),
    mae_price numeric(18, 8),
    mfe_time timestamp,
    mae_time timestamp,
    position_id integer REFERENCES positions (id),
    session_id integer REFERENCES trading_sessions (id),
    created_at timestamp,
    updated_at timestamp
);
CREATE INDEX ix_trades_entry_time ON trades (entry_time);
CREATE INDEX ix_trades_exit_time ON trades (exit_time);
CREATE INDEX idx_trade_time ON trades (entry_time, exit_time);
CREATE INDEX ix_trades_symbol ON trades (symbol);
CREATE INDEX ix_trades_strategy_name ON trades (strategy_name);
CREATE INDEX idx_trade_performance ON trades (pnl_percent, strategy_name);

CREATE TABLE orders (
    id serial PRIMARY KEY,
    position_id integer REFERENCES positions (id),
    order_type varchar(12) NOT NULL,
    status varchar(14) NOT NULL,
    exchange_order_id varchar(100),
    internal_order_id varchar(100) NOT NULL,
    client_order_id varchar(100),
    symbol varchar(20) NOT NULL,
    side varchar(5) NOT NULL,
    quantity numeric(18, 8) NOT NULL,
    price numeric(18, 8),
    filled_quantity numeric(18, 8),
    filled_price numeric(18, 8),
    commission numeric(18, 8),
    actual_fill_price numeric(18, 8),
    actual_fill_quantity numeric(18, 8),
    actual_commission numeric(18, 8),
    created_at timestamp,
    filled_at timestamp,
    cancelled_at timestamp,
    last_update timestamp,
    strategy_name varchar(100) NOT NULL,
    session_id integer REFERENCES trading_sessions (id),
    target_level integer,
    size_fraction numeric(18, 8),
    replaced_order_id integer
);
CREATE INDEX idx_order_position_type ON orders (position_id, order_type);
CREATE INDEX idx_order_status_created ON orders (status, created_at);
CREATE INDEX ix_orders_created_at ON orders (created_at);

CREATE TABLE partial_trades (
    id serial PRIMARY KEY,
    position_id integer NOT NULL REFERENCES positions (id),
    operation_type varchar(12) NOT NULL,
    size numeric(18, 8) NOT NULL,
    price numeric(18, 8) NOT NULL,
    pnl numeric(18, 8),
    target_level integer,
    timestamp timestamp
);

CREATE TABLE account_history (
    id serial PRIMARY KEY,
    timestamp timestamp NOT NULL,
    balance numeric(18, 8) NOT NULL,
    equity numeric(18, 8) NOT NULL,
    margin_used numeric(18, 8),
    margin_available numeric(18, 8),
    total_pnl numeric(18, 8),
    daily_pnl numeric(18, 8),
    drawdown numeric(18, 8),
    sharpe_ratio numeric(18, 8),
    sortino_ratio numeric(18, 8),
    calmar_ratio numeric(18, 8),
    var_95 numeric(18, 8),
    open_positions integer,
    total_exposure numeric(18, 8),
    session_id integer REFERENCES trading_sessions (id),
    created_at timestamp
);
CREATE INDEX idx_account_time ON account_history (timestamp);

CREATE TABLE account_balances (
    id serial PRIMARY KEY,
    base_currency varchar(10) NOT NULL,
    total_balance numeric(18, 8) NOT NULL,
    available_balance numeric(18, 8) NOT NULL,
    reserved_balance numeric(18, 8),
    asset_balances jsonb,
    last_updated timestamp NOT NULL,
    updated_by varchar(50),
    update_reason varchar(200),
    session_id integer REFERENCES trading_sessions (id),
    created_at timestamp
);
CREATE INDEX idx_balance_session_updated ON account_balances (session_id, last_updated);

CREATE TABLE system_events (
    id serial PRIMARY KEY,
    timestamp timestamp NOT NULL,
    event_type varchar(23) NOT NULL,
    severity varchar(20),
    message text NOT NULL,
    details jsonb,
    component varchar(100),
    error_code varchar(50),
    stack_trace text,
    alert_sent boolean,
    alert_method varchar(50),
    session_id integer REFERENCES trading_sessions (id),
    created_at timestamp
);
CREATE INDEX idx_event_time_type ON system_events (timestamp, event_type);
CREATE INDEX idx_event_severity ON system_events (severity, timestamp);

CREATE TABLE risk_adjustments (
    id serial PRIMARY KEY,
    timestamp timestamp NOT NULL,
    adjustment_type varchar(50) NOT NULL,
    trigger_reason varchar(200),
    parameter_name varchar(100) NOT NULL,
    original_value numeric(18, 8) NOT NULL,
    adjusted_value numeric(18, 8) NOT NULL,
    adjustment_factor numeric(18, 8) NOT NULL,
    current_drawdown numeric(18, 8),
    performance_score numeric(18, 8),
    volatility_level numeric(18, 8),
    duration_minutes integer,
    trades_during_adjustment integer,
    pnl_during_adjustment numeric(18, 8),
    session_id integer NOT NULL REFERENCES trading_sessions (id),
    created_at timestamp
);
CREATE INDEX idx_risk_adj_timestamp ON risk_adjustments (timestamp);
CREATE INDEX idx_risk_adj_session ON risk_adjustments (session_id);

CREATE TABLE dynamic_performance_metrics (
    id serial PRIMARY KEY,
    timestamp timestamp NOT NULL,
    rolling_win_rate numeric(18, 8),
    rolling_sharpe_ratio numeric(18, 8),
    current_drawdown numeric(18, 8),
    volatility_30d numeric(18, 8),
    consecutive_losses integer,
    consecutive_wins integer,
    risk_adjustment_factor numeric(18, 8),
    profit_factor numeric(18, 8),
    expectancy numeric(18, 8),
    avg_trade_duration_hours numeric(18, 8),
    session_id integer NOT NULL REFERENCES trading_sessions (id),
    created_at timestamp
);

CREATE TABLE performance_metrics (
    id serial PRIMARY KEY,
    period varchar(20) NOT NULL,
    period_start timestamp NOT NULL,
    period_end timestamp NOT NULL,
    total_trades integer,
    winning_trades integer,
    losing_trades integer,
    win_rate numeric(18, 8),
    total_return numeric(18, 8),
    total_return_percent numeric(18, 8),
    max_drawdown numeric(18, 8),
    current_drawdown numeric(18, 8),
    max_drawdown_duration integer,
    sharpe_ratio numeric(18, 8),
    sortino_ratio numeric(18, 8),
    calmar_ratio numeric(18, 8),
    var_95 numeric(18, 8),
    avg_win numeric(18, 8),
    avg_loss numeric(18, 8),
    profit_factor numeric(18, 8),
    expectancy numeric(18, 8),
    avg_trade_duration_hours numeric(18, 8),
    best_trade_pnl numeric(18, 8),
    worst_trade_pnl numeric(18, 8),
    largest_win_streak integer,
    largest_loss_streak integer,
    consecutive_wins_current integer,
    consecutive_losses_current integer,
    total_fees_paid numeric(18, 8),
    total_slippage_cost numeric(18, 8),
    strategy_breakdown jsonb,
    session_id integer REFERENCES trading_sessions (id),
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE strategy_executions (
    id serial PRIMARY KEY,
    timestamp timestamp NOT NULL,
    strategy_name varchar(100) NOT NULL,
    symbol varchar(20) NOT NULL,
    timeframe varchar(10),
    signal_type varchar(20),
    signal_strength double precision,
    confidence_score double precision,
    indicators jsonb,
    sentiment_data jsonb,
    ml_predictions jsonb,
    action_taken varchar(50),
    position_size numeric(18, 8),
    reasons jsonb,
    price numeric(18, 8),
    volume numeric(18, 8),
    volatility numeric(18, 8),
    session_id integer REFERENCES trading_sessions (id),
    trade_id integer,
    created_at timestamp
);

CREATE TABLE system_control_flags (
    id serial PRIMARY KEY,
    name varchar(50) NOT NULL,
    active boolean NOT NULL,
    reason text,
    source varchar(100),
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE reconciliation_audit_events (
    id serial PRIMARY KEY,
    session_id integer REFERENCES trading_sessions (id),
    timestamp timestamp NOT NULL,
    entity_type varchar(20) NOT NULL,
    entity_id integer,
    field varchar(50) NOT NULL,
    old_value text,
    new_value text,
    reason text NOT NULL,
    severity varchar(10) NOT NULL
);

CREATE TABLE correlation_matrix (
    id serial PRIMARY KEY,
    symbol_pair varchar(50),
    correlation_value numeric(18, 8),
    p_value numeric(18, 8),
    sample_size integer,
    last_updated timestamp,
    window_days integer
);

CREATE TABLE portfolio_exposures (
    id serial PRIMARY KEY,
    correlation_group varchar(100),
    total_exposure numeric(18, 8),
    position_count integer,
    symbols jsonb,
    last_updated timestamp
);
